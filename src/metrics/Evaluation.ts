import { rowLosses } from "./crossEntropy.ts"
import * as Confusion from "./Confusion.ts"
import { predictions, topKCorrect } from "./topK.ts"

/** What is known of some predictions: sums as data, so that batches, and parts of a whole, can be added up. */
export interface Evaluation {
  /** Sum of the samples' losses (nats). */
  readonly lossSum: number
  readonly samples: number
  /** Samples whose highest logit is the true class's. */
  readonly correct: number
  /** Samples whose true class is among the five highest logits. */
  readonly correctTop5: number
  readonly confusion: Confusion.Confusion
}

/** Nothing seen yet; the neutral element of `combine`. */
export const empty = (classes: number): Evaluation => ({
  lossSum: 0,
  samples: 0,
  correct: 0,
  correctTop5: 0,
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
    correctTop5: evaluation.correctTop5 + topKCorrect(logits, labels, classes, 5),
    confusion: Confusion.add(evaluation.confusion, labels, predictions(logits, classes))
  }
}

/** The evaluation of two parts together; associative and commutative, but for the rounding of the sum of losses. */
export const combine = (a: Evaluation, b: Evaluation): Evaluation => ({
  lossSum: a.lossSum + b.lossSum,
  samples: a.samples + b.samples,
  correct: a.correct + b.correct,
  correctTop5: a.correctTop5 + b.correctTop5,
  confusion: Confusion.combine(a.confusion, b.confusion)
})

/** A mean over the samples; null where there are none, or where it is no number. */
const mean = (sum: number, samples: number): number | null =>
  samples > 0 && Number.isFinite(sum) ? sum / samples : null

/** Mean loss (nats), or null. */
export const lossOf = (evaluation: Evaluation): number | null => mean(evaluation.lossSum, evaluation.samples)

/** Share of right predictions, or null. */
export const accuracyOf = (evaluation: Evaluation): number | null => mean(evaluation.correct, evaluation.samples)

/** Share of samples with their class among the first five; null for five classes or fewer, where it says nothing. */
export const top5AccuracyOf = (evaluation: Evaluation): number | null =>
  evaluation.confusion.classes > 5 ? mean(evaluation.correctTop5, evaluation.samples) : null
