import { Schema } from "effect"
import { EpochRecord } from "../../metrics/Report.ts"
import type { TrainConfig } from "../../model/TrainConfig.ts"
import type { Objective } from "./objective.ts"
import { chosenRecord, epochValue } from "./objective.ts"
import { SearchConfig } from "./SearchConfig.ts"

/**
 * A trial's state. `waiting`: for its turn, or at a rung's end for the others; `stopped`: others were better at a
 * rung's end; `failed` and `diverged` have the reason in `detail`.
 */
export const TrialState = Schema.Literals(["waiting", "running", "finished", "failed", "diverged", "stopped"])
export type TrialState = typeof TrialState.Type

const Settings = Schema.Record(Schema.String, Schema.Unknown)

/** Which training of its setting a trial is, where every setting is trained several times. */
export const Repetition = Schema.Struct({
  /** The setting's id: what a trial's is where there are no repetitions. */
  setting: Schema.String,
  /** The run's `seed`; where left out, all have the same. */
  seed: Schema.optionalKey(Schema.Natural),
  /** The number of the fold that it validates on. */
  fold: Schema.optionalKey(Schema.Natural)
})
export type Repetition = typeof Repetition.Type

/** A trial in its search's file; its run folder has the rest. */
export const SearchTrial = Schema.Struct({
  id: Schema.String,
  /** Its value for each axis' path. */
  settings: Settings,
  repetition: Schema.optionalKey(Repetition),
  state: TrialState,
  /** The rung (from 0) that it is in, or at whose end it was stopped. */
  rung: Schema.Natural,
  /** Relative to the search's folder. */
  folder: Schema.String,
  /** The epochs that it is trained for, unless it is stopped. */
  epochs: Schema.Natural,
  history: Schema.Array(EpochRecord),
  /** The epoch (from 1) that its metrics are of; null before the first epoch's end. */
  chosenEpoch: Schema.NullOr(Schema.Natural),
  /** The objective; null where there is none yet. */
  metric: Schema.NullOr(Schema.Finite),
  /** Seconds of its epochs; of a finished trial, of the whole run. */
  seconds: Schema.Finite,
  /** Why it failed or diverged. */
  detail: Schema.optionalKey(Schema.String)
})
export type SearchTrial = typeof SearchTrial.Type

/** A search's `search.json`, rewritten as it goes on. Its tables and plots are made from it. */
export const SearchResult = Schema.Struct({
  format: Schema.Literal("weft-search-2"),
  config: SearchConfig,
  rungs: Schema.Array(Schema.Struct({ epochs: Schema.Natural, trials: Schema.Natural, keep: Schema.Natural })),
  /** In the order of their numbers. */
  trials: Schema.Array(SearchTrial),
  /** Points with the same configuration as an earlier trial: they were not trained again, and are not counted. */
  duplicates: Schema.Array(Schema.Struct({ settings: Settings, sameAs: Schema.String })),
  /**
   * Images through decoding and the frozen part: as many as the trials alone would have needed, and as many as there
   * were.
   */
  passes: Schema.Struct({ wanted: Schema.Natural, made: Schema.Natural }),
  /** Seconds since its beginning, without the time in which it was stopped. */
  seconds: Schema.Finite
})
export type SearchResult = typeof SearchResult.Type

/** The result with one trial changed. */
export const withTrial = (
  search: SearchResult,
  id: string,
  change: Partial<Omit<SearchTrial, "id" | "settings" | "folder">>
): SearchResult => ({
  ...search,
  trials: search.trials.map((trial) => (trial.id === id ? { ...trial, ...change } : trial))
})

/** A trial's state by its epochs so far. */
export const stateSoFar = (
  train: Pick<TrainConfig, "select" | "monitor" | "earlyStopping">,
  history: ReadonlyArray<EpochRecord>,
  objective: Objective
) => {
  const chosen = chosenRecord(train, history)
  return {
    history,
    chosenEpoch: chosen?.epoch ?? null,
    metric: epochValue(chosen, objective),
    seconds: history.reduce((sum, { seconds }) => sum + seconds, 0)
  } satisfies Partial<SearchTrial>
}

/** The record of the epoch that a trial's metrics are of. */
export const recordOf = ({ chosenEpoch, history }: SearchTrial): EpochRecord | undefined =>
  history.find(({ epoch }) => epoch === chosenEpoch)

/** Share of the passes that shared batches saved; null before the first pass. */
export const savedShare = ({ passes }: SearchResult): number | null =>
  passes.wanted === 0 ? null : 1 - passes.made / passes.wanted

/** How many trials are in each state. */
export const countStates = ({ trials }: Pick<SearchResult, "trials">): Readonly<Record<TrialState, number>> => {
  const counts = { waiting: 0, running: 0, finished: 0, failed: 0, diverged: 0, stopped: 0 }
  for (const { state } of trials) counts[state]++
  return counts
}

/** Whether no trial has anything left to do. */
export const isOver = ({ trials }: SearchResult): boolean =>
  trials.every(({ state }) => state !== "waiting" && state !== "running")

const isAlive = ({ state }: SearchTrial) => state === "waiting" || state === "running" || state === "finished"

/** Epochs of all trials together: those that are trained, and those that are still to be if no further trial fails. */
export const trialEpochs = ({ rungs, trials }: SearchResult): { readonly done: number; readonly left: number } => {
  const done = trials.reduce((sum, { history }) => sum + history.length, 0)
  const alive = trials.filter(isAlive)
  // A finished trial, also by early stopping, has no epochs left.
  const behind = ({ epochs, history, state }: SearchTrial) => (state === "finished" ? epochs : history.length)
  if (rungs.length <= 1)
    return { done, left: alive.reduce((sum, trial) => sum + Math.max(0, trial.epochs - behind(trial)), 0) }
  let left = 0
  let from = 0
  for (const rung of rungs) {
    const length = rung.epochs - from
    const begun = alive.map((trial) => Math.min(length, Math.max(0, behind(trial) - from)))
    const taken = begun.toSorted((a, b) => b - a).slice(0, Math.min(rung.trials, alive.length))
    left += taken.reduce((sum, epochs) => sum + length - epochs, 0)
    from = rung.epochs
  }
  return { done, left }
}

/** Seconds left at the speed so far; null before the first epoch's end. */
export const secondsLeft = (search: SearchResult): number | null => {
  const { done, left } = trialEpochs(search)
  return done === 0 ? null : (search.seconds * left) / done
}
