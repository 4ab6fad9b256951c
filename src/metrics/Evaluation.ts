import type { Predictions } from "./calibration.ts"
import { rowLosses } from "./crossEntropy.ts"
import * as Confusion from "./Confusion.ts"
import { predictions, topKCorrect } from "./topK.ts"

/** The loss and the counts of some predictions, as sums, so that those of batches or parts can be added. */
export interface Evaluation {
  /** Sum of the samples' losses (nats). */
  readonly lossSum: number
  readonly samples: number
  /** Samples whose highest logit is the true class's. */
  readonly correct: number
  readonly confusion: Confusion.Confusion
}

/** An evaluation, and the predictions that it is of: every metric is computed from these. */
export interface Measurement extends Evaluation {
  readonly predictions: Predictions
}

/** No predictions; the neutral element of `combine`. */
export const empty = (classes: number): Evaluation => ({
  lossSum: 0,
  samples: 0,
  correct: 0,
  confusion: Confusion.empty(classes)
})

/**
 * The evaluation with one batch more. `logits` is (labels.length, classes) row by row, `labels` the true class indexes.
 *
 * The losses are plain cross-entropies (nats), without smoothing or class weights. Throws a RangeError where the sizes
 * do not fit together.
 */
export const add = (evaluation: Evaluation, logits: Float32Array, labels: Int32Array): Evaluation => {
  const { classes } = evaluation.confusion
  if (logits.length !== labels.length * classes)
    throw new RangeError(`${labels.length} labels of ${classes} classes, but ${logits.length} logits`)
  return {
    lossSum: rowLosses(logits, labels, classes).reduce((sum, loss) => sum + loss, evaluation.lossSum),
    samples: evaluation.samples + labels.length,
    correct: evaluation.correct + topKCorrect(logits, labels, classes, 1),
    confusion: Confusion.add(evaluation.confusion, labels, predictions(logits, classes))
  }
}

/** The evaluation of predictions that are kept. Throws as `add` does. */
export const measure = (found: Predictions): Measurement => ({
  ...add(empty(found.classes), found.logits, found.labels),
  predictions: found
})

/** The evaluation of two parts together; associative and commutative, but for the rounding of the sum of losses. */
export const combine = (a: Evaluation, b: Evaluation): Evaluation => ({
  lossSum: a.lossSum + b.lossSum,
  samples: a.samples + b.samples,
  correct: a.correct + b.correct,
  confusion: Confusion.combine(a.confusion, b.confusion)
})

/** A mean over the samples; null where there are none, or where it is not a finite number. */
const mean = (sum: number, samples: number): number | null =>
  samples > 0 && Number.isFinite(sum) ? sum / samples : null

/** Mean loss (nats), or null. */
export const lossOf = (evaluation: Pick<Evaluation, "lossSum" | "samples">): number | null =>
  mean(evaluation.lossSum, evaluation.samples)

/** Share of correct predictions, or null. */
export const accuracyOf = (evaluation: Evaluation): number | null => mean(evaluation.correct, evaluation.samples)
