import { Schema } from "effect"
import { pairedDifference } from "../../metrics/pairedDifference.ts"
import type { Interval } from "../../metrics/wilson.ts"
import { z95 } from "../../metrics/wilson.ts"
import type { Value } from "./ColumnValue.ts"
import { labelsOf, textOf } from "./ColumnValue.ts"

const Bounds = Schema.Struct({ low: Schema.Finite, high: Schema.Finite })

/** By how much the candidate is better than the live model, and what that lies within at 95 %. */
const Difference = Schema.Struct({
  live: Schema.Finite,
  candidate: Schema.Finite,
  difference: Schema.Finite,
  interval: Bounds
})
type Difference = typeof Difference.Type

/** What the gate asks for. Shares: -0.005 is half a point. */
export interface GateSettings {
  /** The lower bounds of the paired differences must be above this. */
  readonly worst: number
  /** No class with at least `minSupport` samples may lose more than `mostLost` of its recall. */
  readonly minSupport: number
  readonly mostLost: number
}

export const gateSettings: GateSettings = { worst: -0.005, minSupport: 30, mostLost: 0.05 }

/**
 * One sample that neither model was trained on: its class, and what the two models predict. In a column with several values
 * they are sets, as lists.
 */
export interface GateSample {
  /** The fixed test part, or a blind answer since the last promotion. */
  readonly from: "test" | "blind"
  readonly truth: Value
  readonly live: Value
  readonly candidate: Value
}

/** Why a candidate is kept back. */
export const GateReason = Schema.Struct({
  column: Schema.String,
  /** `samples`: there are too few to promise what is asked for, even of two equal models. */
  of: Schema.Literals(["accuracy", "macroF1", "class", "blind", "samples"]),
  /** The class that falls, for `class`. */
  label: Schema.optionalKey(Schema.String),
  /** For people: what was measured, and what was asked for. */
  detail: Schema.String
})
export type GateReason = typeof GateReason.Type

/** What the gate measured for one label column, over test part and blind answers together. */
export const GateColumn = Schema.Struct({
  column: Schema.String,
  /** Samples of the two kinds. */
  test: Schema.Natural,
  blind: Schema.Natural,
  /** Null where there are no samples. */
  accuracy: Schema.NullOr(Difference),
  macroF1: Schema.NullOr(Difference),
  /** Classes with enough samples whose recall falls by more than is allowed, the greatest fall first. */
  falling: Schema.Array(
    Schema.Struct({
      label: Schema.String,
      support: Schema.Natural,
      live: Schema.Finite,
      candidate: Schema.Finite
    })
  )
})
export type GateColumn = typeof GateColumn.Type

/** Whether a candidate may be promoted; if not, why. */
export const Verdict = Schema.Struct({
  passes: Schema.Boolean,
  reasons: Schema.Array(GateReason),
  columns: Schema.Array(GateColumn)
})
export type Verdict = typeof Verdict.Type

/** Samples of one label column. */
export interface GateInput {
  readonly column: string
  readonly samples: ReadonlyArray<GateSample>
}

type Model = "live" | "candidate"

/** Counts of one class under one model. */
interface ClassCounts {
  support: number
  readonly hits: Record<Model, number>
  readonly predicted: Record<Model, number>
}

/** Counts by class, of those that are some sample's class or prediction. */
const countsOf = (samples: ReadonlyArray<GateSample>): ReadonlyMap<string, ClassCounts> => {
  const counts = new Map<string, ClassCounts>()
  const of = (label: string): ClassCounts => {
    const one = counts.get(label) ?? {
      support: 0,
      hits: { live: 0, candidate: 0 },
      predicted: { live: 0, candidate: 0 }
    }
    counts.set(label, one)
    return one
  }
  for (const sample of samples) {
    const truth = new Set(labelsOf(sample.truth))
    for (const label of truth) of(label).support++
    for (const model of ["live", "candidate"] as const)
      for (const label of new Set(labelsOf(sample[model]))) {
        of(label).predicted[model]++
        if (truth.has(label)) of(label).hits[model]++
      }
  }
  return counts
}

const f1 = ({ hits, predicted, support }: ClassCounts, model: Model): number =>
  (2 * hits[model]) / (support + predicted[model])

/**
 * The candidate's macro F1 less the live model's, over the classes that have samples.
 *
 * The variance is the infinitesimal jackknife's, as in the delta method for counts: the sum over the samples of the square
 * of what one more of it would change. With F1 = 2 H / (S + P), of hits, support and predictions, that is
 * 2 dH / (S + P) - 2 H (dS + dP) / (S + P)². Both models have the same samples, so that what they share cancels. To it two
 * imagined samples are added, one that only each of the models predicts correctly, as `pairedDifference` does: two models
 * that never differ on these samples may on others. Source: Takahashi, Yamamoto, Kuchiba and Koyama, Confidence interval for
 * micro-averaged F1 and macro-averaged F1 scores, 2022, for one model.
 */
const macroF1Difference = (samples: ReadonlyArray<GateSample>): Difference | null => {
  const counts = countsOf(samples)
  const present = [...counts].filter(([, { support }]) => support > 0)
  const classes = present.length
  if (classes === 0) return null
  const macro = (model: Model) => present.reduce((sum, [, one]) => sum + f1(one, model), 0) / classes
  const influence = (sample: GateSample, model: Model): number => {
    const truth = new Set(labelsOf(sample.truth))
    const guess = new Set(labelsOf(sample[model]))
    let sum = 0
    for (const label of new Set([...truth, ...guess])) {
      const one = counts.get(label)
      if (one === undefined || one.support === 0) continue
      const isHit = truth.has(label) && guess.has(label)
      const size = one.support + one.predicted[model]
      sum += (isHit ? 2 : 0) / size - (2 * one.hits[model] * (isHit ? 2 : 1)) / size ** 2
    }
    return sum / classes
  }
  const seen = samples.reduce(
    (sum, sample) => sum + (influence(sample, "candidate") - influence(sample, "live")) ** 2,
    0
  )
  const more = 1 + 2 / samples.length
  const imagined = present.reduce(
    (sum, [, { support }]) => sum + 2 / (samples.length * more * (support * more) * classes ** 2),
    0
  )
  const error = z95 * Math.sqrt(seen + imagined)
  const [live, candidate] = [macro("live"), macro("candidate")]
  const difference = candidate - live
  return {
    live,
    candidate,
    difference,
    interval: { low: Math.max(-1, difference - error), high: Math.min(1, difference + error) }
  }
}

/** A sample is right where its class is; a set, where all of it is and nothing besides (subset accuracy). */
const accuracyDifference = (samples: ReadonlyArray<GateSample>): Difference | null => {
  const right = (model: Model) => samples.map((sample) => textOf(sample[model]) === textOf(sample.truth))
  const [live, candidate] = [right("live"), right("candidate")]
  const paired = pairedDifference(live, candidate)
  const share = (all: ReadonlyArray<boolean>) => all.filter(Boolean).length / all.length
  return paired === null
    ? null
    : { live: share(live), candidate: share(candidate), difference: paired.difference, interval: paired.interval }
}

/** The fewest samples on which two models that never differ are known to differ by less than `worst`. */
const fewest = (worst: number): number => {
  let samples = 1
  const bound = (n: number) => pairedDifference(Array(n).fill(true), Array(n).fill(true))?.interval.low ?? -1
  // The bound narrows with the samples: doubled, then halved.
  while (bound(samples) <= worst && samples < 2 ** 20) samples *= 2
  for (let step = samples / 2; step >= 1; step = Math.floor(step / 2))
    if (samples - step > 0 && bound(samples - step) > worst) samples -= step
  return samples
}

const points = (share: number): string => `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)}`
const range = ({ high, low }: Interval): string => `${points(low)} to ${points(high)}`

const judgeColumn = ({ column, samples }: GateInput, settings: GateSettings) => {
  const blind = samples.filter(({ from }) => from === "blind")
  const isOfSets = samples.some(({ truth }) => typeof truth !== "string")
  const accuracy = accuracyDifference(samples)
  const macroF1 = macroF1Difference(samples)
  const falling = [...countsOf(samples)]
    .flatMap(([label, { hits, support }]) => {
      const [live, candidate] = [hits.live / support, hits.candidate / support]
      // A share of counts: what is exactly the bound must not fail by rounding.
      return support >= settings.minSupport && live - candidate > settings.mostLost + 1e-9
        ? [{ label, support, live, candidate }]
        : []
    })
    .sort((a, b) => b.live - b.candidate - (a.live - a.candidate) || (a.label < b.label ? -1 : 1))
  const asked = `its lower bound must be above ${points(settings.worst)}`
  const bounded = (of: "accuracy" | "macroF1", name: string, measured: Difference | null): ReadonlyArray<GateReason> =>
    measured !== null && measured.interval.low > settings.worst
      ? []
      : [
          {
            column,
            of,
            detail:
              measured === null
                ? `${name} cannot be measured without samples`
                : `${name} changes by ${points(measured.difference)} points (95 %: ${range(measured.interval)}); ${asked}`
          }
        ]
  const least = fewest(settings.worst)
  const alone = accuracyDifference(blind)
  const reasons: ReadonlyArray<GateReason> = [
    ...bounded("accuracy", isOfSets ? "accuracy (of whole sets)" : "accuracy", accuracy),
    ...bounded("macroF1", "macro F1", macroF1),
    ...falling.map(({ candidate, label, live, support }): GateReason => ({
      column,
      of: "class",
      label,
      detail:
        `of ${support} samples of ${JSON.stringify(label)} it recognises ${(100 * candidate).toFixed(1)} %, and the live ` +
        `model ${(100 * live).toFixed(1)} %; no class with ${settings.minSupport} samples may fall by more than ` +
        `${(100 * settings.mostLost).toFixed(1)} points`
    })),
    // A few blind answers cannot show that a model is better, but they can show that it is worse on what comes in now.
    ...(alone !== null && alone.interval.high < 0
      ? [
          {
            column,
            of: "blind" as const,
            detail: `on the ${blind.length} blind answers alone, accuracy changes by ${points(alone.difference)} points (95 %: ${range(alone.interval)}): it is worse on new photos`
          }
        ]
      : [])
  ]
  const tooFew =
    reasons.length > 0 && samples.length < least
      ? [
          {
            column,
            of: "samples" as const,
            detail: `${samples.length} samples: with fewer than ${least}, even two equal models cannot be shown to be within ${points(settings.worst)} points`
          }
        ]
      : []
  const measured: GateColumn = {
    column,
    test: samples.length - blind.length,
    blind: blind.length,
    accuracy,
    macroF1,
    falling
  }
  return { measured, reasons: [...reasons, ...tooFew] }
}

/**
 * Decides whether a candidate may replace the live model: for each label column, on the samples of test part and blind
 * answers together,
 *
 * - the lower bound of the paired difference is above `worst`, for accuracy and for macro F1;
 * - no class with `minSupport` samples loses more than `mostLost` of its recall;
 * - and the candidate is not shown to be worse on the blind answers alone.
 *
 * In a column with several values, a sample is right where its whole set is, and macro F1 and recall are of each class
 * by itself.
 *
 * Without columns, or without samples, nothing is shown, and the candidate is kept back.
 */
export const gate = (columns: ReadonlyArray<GateInput>, settings: GateSettings = gateSettings): Verdict => {
  const judged = columns.map((column) => judgeColumn(column, settings))
  return {
    passes: judged.length > 0 && judged.every(({ reasons }) => reasons.length === 0),
    reasons: judged.flatMap(({ reasons }) => reasons),
    columns: judged.map(({ measured }) => measured)
  }
}
