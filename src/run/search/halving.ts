import type { Objective } from "./objective.ts"
import { meanOf, rank } from "./objective.ts"

/** A round of successive halving: its trials are trained up to so many epochs, and the best of them go on. */
export interface Rung {
  /** A trial's epochs at the rung's end, those of earlier rungs included. */
  readonly epochs: number
  /** Trials that are trained in it, if none fails. */
  readonly trials: number
  /** How many of them go on; all in the last rung, where they are finished. */
  readonly keep: number
}

/**
 * The rungs of successive halving where each of so many trials is repeated so often: settings are stopped, not single
 * trials.
 */
export const repeatedRungs = (
  trials: number,
  repetitions: number,
  options: Parameters<typeof rungs>[1]
): ReadonlyArray<Rung> =>
  rungs(trials / repetitions, options).map(({ epochs, keep, trials }) => ({
    epochs,
    trials: trials * repetitions,
    keep: keep * repetitions
  }))

/**
 * The rungs of successive halving: after `minEpochs` one trial in `factor` goes on, then after `factor` times as many
 * epochs again, until the survivors train for all `epochs`. With one trial left there is nothing to decide: it trains on
 * to the end.
 *
 * Source: K. Jamieson and A. Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, 2016;
 * with a factor (there 2) as in L. Li et al., Hyperband, 2018, algorithm 1: floor(n / factor) survivors of n.
 */
export const rungs = (
  trials: number,
  { epochs, factor, minEpochs }: { readonly epochs: number; readonly factor: number; readonly minEpochs: number }
): ReadonlyArray<Rung> => {
  const found: Array<Rung> = []
  let left = trials
  for (let budget = minEpochs; budget < epochs && left > 1; budget *= factor) {
    const keep = Math.max(1, Math.floor(left / factor))
    found.push({ epochs: budget, trials: left, keep })
    left = keep
  }
  return [...found, { epochs, trials: left, keep: left }]
}

/** A trial's state at a rung's end. */
export interface RungResult {
  readonly id: string
  /** The setting that it repeats; trials of one setting go on together. */
  readonly setting?: string
  /** A trial that failed or diverged never goes on. */
  readonly state: "paused" | "finished" | "failed" | "diverged"
  /** The objective after the rung's epochs; null where there is none. */
  readonly metric: number | null
}

/**
 * The ids of the trials that go on, at most `keep`, in the given order; of equal objectives, the earlier trial goes on.
 *
 * Trials that repeat a setting go on together, by the mean of their objectives, and only if none of them has failed.
 */
export const promote = (
  results: ReadonlyArray<RungResult>,
  keep: number,
  { goal }: Pick<Objective, "goal">
): ReadonlyArray<string> => {
  const isAlive = ({ state }: RungResult) => state === "paused" || state === "finished"
  const settings = [...Map.groupBy(results, ({ id, setting }) => setting ?? id).values()].flatMap((trials) =>
    trials.every(isAlive) ? [{ trials, metric: meanOf(trials) }] : []
  )
  const best = new Set<RungResult>()
  for (const { trials } of rank(settings, goal)) {
    if (best.size + trials.length > keep) break
    for (const trial of trials) best.add(trial)
  }
  return results.filter((result) => best.has(result)).map(({ id }) => id)
}
