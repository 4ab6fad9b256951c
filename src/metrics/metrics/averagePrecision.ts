import { elementAt } from "../../pipeline/elementAt.ts"
import { softmax } from "../crossEntropy.ts"
import { rowsOf } from "../rowsOf.ts"
import type { Measurement } from "../Evaluation.ts"
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
 * The average precision of each class against the rest, from its scores (samples, classes), row by row; null for a class
 * without samples.
 *
 * AP = Σ over the thresholds n of (R_n - R_{n-1}) P_n: the mean, over the class's samples, of the precision at the
 * threshold that is the sample's score. Samples with equal scores share one threshold. Not interpolated.
 * Source: scikit-learn's `average_precision_score`.
 */
export const averagePrecisions = (
  scores: Float64Array,
  labels: Int32Array,
  classes: number
): ReadonlyArray<number | null> => {
  const rows = rowsOf(scores, classes)
  return Array.from({ length: classes }, (_, c) => {
    const all = Float64Array.from(rows, (row) => elementAt(row, c)).sort()
    const own = Float64Array.from(
      rows.filter((_, i) => labels[i] === c),
      (row) => elementAt(row, c)
    ).sort()
    return own.length === 0
      ? null
      : own.reduce((sum, score) => sum + atLeast(own, score) / atLeast(all, score), 0) / own.length
  })
}

/** The average precisions by the probabilities; null for all where one of these is not a number. */
const ofClasses = ({ predictions: { classes, labels, logits } }: Measurement) => {
  const probabilities = softmax(logits, classes)
  return probabilities.every(Number.isFinite) ? averagePrecisions(probabilities, labels, classes) : []
}

const titles = { macro: "plain mean over the classes", weighted: "mean over the classes, weighted by their samples" }

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
  value: ({ counts: { support }, once }) => {
    let sum = 0
    let whole = 0
    once(ofClasses).forEach((precision, i) => {
      if (precision === null) return
      const weight = average === "weighted" ? elementAt(support, i) : 1
      sum += weight * precision
      whole += weight
    })
    return whole === 0 ? null : sum / whole
  },
  note: ({ perClass }) => {
    const absent = perClass.filter(({ support }) => support === 0).length
    return absent === 0
      ? undefined
      : `average precision (AP): without ${absent} of ${perClass.length} classes, which have no samples here`
  }
})

export const macroAveragePrecision = averagePrecision("macro")
export const weightedAveragePrecision = averagePrecision("weighted")
