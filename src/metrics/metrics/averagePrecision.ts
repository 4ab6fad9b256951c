import { elementAt } from "../../pipeline/elementAt.ts"
import { softmax } from "../crossEntropy.ts"
import { rowsOf } from "../rowsOf.ts"
import type { Measurement } from "../Evaluation.ts"
import type { MultilabelPredictions } from "../multilabel.ts"
import { sigmoid } from "../multilabel.ts"
import type { PredictionMetric } from "./Metric.ts"
import { everywhere } from "./Metric.ts"

/** How many of some ascending numbers are at least `least`. */
const atLeast = (ascending: Float64Array, least: number): number => {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (elementAt(ascending, middle) < least) low = middle + 1
    else high = middle
  }
  return ascending.length - low
}

/**
 * The average precision of each class from its scores (samples, classes), row by row, and whether it applies to a sample;
 * null for a class that applies to none.
 *
 * AP = Σ over the thresholds n of (R_n - R_{n-1}) P_n: the mean, over the class's samples, of the precision at the
 * threshold that is the sample's score. Samples with equal scores share one threshold. Not interpolated.
 * Source: scikit-learn's `average_precision_score`.
 */
export const averagePrecisionsWhere = (
  scores: Float64Array,
  classes: number,
  applies: (sample: number, c: number) => boolean
): ReadonlyArray<number | null> => {
  const rows = rowsOf(scores, classes)
  return Array.from({ length: classes }, (_, c) => {
    const all = Float64Array.from(rows, (row) => elementAt(row, c)).sort()
    const own = Float64Array.from(
      rows.filter((_, i) => applies(i, c)),
      (row) => elementAt(row, c)
    ).sort()
    return own.length === 0
      ? null
      : own.reduce((sum, score) => sum + atLeast(own, score) / atLeast(all, score), 0) / own.length
  })
}

/** The average precision of each class against the rest; see `averagePrecisionsWhere`. */
export const averagePrecisions = (
  scores: Float64Array,
  labels: Int32Array,
  classes: number
): ReadonlyArray<number | null> => averagePrecisionsWhere(scores, classes, (sample, c) => labels[sample] === c)

/** The average precision of each class of a column with several values; all null where a probability is not a number. */
export const multilabelAveragePrecisions = ({
  classes,
  labels,
  logits
}: MultilabelPredictions): ReadonlyArray<number | null> => {
  const scores = Float64Array.from(logits, sigmoid)
  return scores.every(Number.isFinite)
    ? averagePrecisionsWhere(scores, classes, (sample, c) => labels[sample * classes + c] === 1)
    : Array.from({ length: classes }, () => null)
}

/** The average precisions by the probabilities; null for all where one of these is not a number. */
const ofClasses = ({ predictions: { classes, labels, logits } }: Measurement) => {
  const probabilities = softmax(logits, classes)
  return probabilities.every(Number.isFinite) ? averagePrecisions(probabilities, labels, classes) : []
}

const titles = { macro: "plain mean over the classes", weighted: "mean over the classes, weighted by their samples" }

/** The mean of those that exist, by weights; null where there are none. */
const meanOf = (precisions: ReadonlyArray<number | null>, weightOf: (c: number) => number): number | null => {
  let sum = 0
  let whole = 0
  precisions.forEach((precision, i) => {
    if (precision === null) return
    const weight = weightOf(i)
    sum += weight * precision
    whole += weight
  })
  return whole === 0 ? null : sum / whole
}

const averagePrecision = <A extends keyof typeof titles>(
  average: A
): PredictionMetric<`${A}.averagePrecision`, "added"> => ({
  path: `${average}.averagePrecision`,
  presence: "added",
  title: `${average} average precision`,
  head: `${average} AP`,
  meaning: `area under the curve of precision over recall of each class against the rest: ${titles[average]}; classes without samples are left out`,
  source: "scikit-learn's `average_precision_score`",
  range: [0, 1],
  better: "higher",
  unit: "%",
  decimals: 1,
  shown: everywhere,
  of: "predictions",
  value: ({ counts: { support }, once }) =>
    meanOf(once(ofClasses), (c) => (average === "weighted" ? elementAt(support, c) : 1)),
  several: ({ averagePrecisions, support }) =>
    meanOf(averagePrecisions(), (c) => (average === "weighted" ? elementAt(support, c) : 1)),
  note: ({ perClass }) => {
    const absent = perClass.filter(({ support }) => support === 0).length
    return absent === 0
      ? undefined
      : `average precision (AP): without ${absent} of ${perClass.length} classes, which have no samples here`
  }
})

export const macroAveragePrecision = averagePrecision("macro")
export const weightedAveragePrecision = averagePrecision("weighted")
