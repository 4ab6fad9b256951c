import { elementAt } from "../pipeline/elementAt.ts"
import { rowsOf } from "./rowsOf.ts"

/** A network's logits of some samples in a label column with several values, and which classes apply. */
export interface MultilabelPredictions {
  readonly values: "several"
  readonly classes: number
  /** (samples, classes), row by row; each one's sigmoid is the probability that the class applies. */
  readonly logits: Float32Array
  /** (samples, classes), row by row: 1 where the class applies, 0 elsewhere. */
  readonly labels: Uint8Array
}

/** The loss and the counts of some predictions in a column with several values, as sums, so that those of parts can be added. */
export interface MultilabelEvaluation {
  readonly values: "several"
  readonly classes: number
  /** Sum of the samples' losses (nats), each the mean over the classes. */
  readonly lossSum: number
  readonly samples: number
  /** Samples whose classes are all right. */
  readonly exact: number
  /** For each class: samples to which it applies, samples for which it was predicted, and both at once. */
  readonly support: Float64Array
  readonly predicted: Float64Array
  readonly correct: Float64Array
}

/** An evaluation, the predictions that it is of, and the probabilities from which on each class applies. */
export interface MultilabelMeasurement extends MultilabelEvaluation {
  readonly predictions: MultilabelPredictions
  readonly thresholds: ReadonlyArray<number>
}

/** The threshold of a class where nothing better is known: the more probable answer. */
export const evenThreshold = 0.5

/** The probability of a logit: 1 / (1 + exp(-x)). */
export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** No predictions; the neutral element of `combine`. */
export const empty = (classes: number): MultilabelEvaluation => ({
  values: "several",
  classes,
  lossSum: 0,
  samples: 0,
  exact: 0,
  support: new Float64Array(classes),
  predicted: new Float64Array(classes),
  correct: new Float64Array(classes)
})

/**
 * The binary cross-entropy of each row (nats): the mean over the classes. max(x, 0) - x y + log(1 + exp(-|x|)), in which
 * nothing overflows. Source: PyTorch's `BCEWithLogitsLoss`.
 */
export const multilabelLosses = (logits: Float32Array, labels: Uint8Array, classes: number): Float64Array =>
  Float64Array.from(
    rowsOf(logits, classes),
    (row, i) =>
      row.reduce((sum, x, c) => {
        const applies = elementAt(labels, i * classes + c)
        return sum + Math.max(x, 0) - x * applies + Math.log1p(Math.exp(-Math.abs(x)))
      }, 0) / classes
  )

/** For each logit (samples, classes) whether its class is predicted: its probability reaches the class's threshold. */
export const predictedClasses = (
  logits: Float32Array,
  classes: number,
  thresholds?: ReadonlyArray<number>
): Uint8Array =>
  Uint8Array.from(logits, (logit, at) => (sigmoid(logit) >= (thresholds?.[at % classes] ?? evenThreshold) ? 1 : 0))

/**
 * The evaluation with some more predictions; thresholds are one half where they are left out. Throws a RangeError where
 * the sizes do not fit together.
 */
export const add = (
  evaluation: MultilabelEvaluation,
  logits: Float32Array,
  labels: Uint8Array,
  thresholds?: ReadonlyArray<number>
): MultilabelEvaluation => {
  const { classes } = evaluation
  if (logits.length !== labels.length || (thresholds !== undefined && thresholds.length !== classes))
    throw new RangeError(
      `${labels.length} labels of ${classes} classes, but ${logits.length} logits and ${thresholds?.length ?? classes} thresholds`
    )
  const found = predictedClasses(logits, classes, thresholds)
  const [support, predicted, correct] = [evaluation.support, evaluation.predicted, evaluation.correct].map((counts) =>
    counts.slice()
  ) as [Float64Array, Float64Array, Float64Array] // three of three
  let exact = 0
  let wrong = 0
  for (const [at, is] of labels.entries()) {
    const c = at % classes
    const answer = elementAt(found, at)
    support[c] = elementAt(support, c) + is
    predicted[c] = elementAt(predicted, c) + answer
    correct[c] = elementAt(correct, c) + (is & answer)
    if (is !== answer) wrong++
    if (c < classes - 1) continue
    if (wrong === 0) exact++
    wrong = 0
  }
  return {
    values: "several",
    classes,
    lossSum: multilabelLosses(logits, labels, classes).reduce((sum, loss) => sum + loss, evaluation.lossSum),
    samples: evaluation.samples + labels.length / classes,
    exact: evaluation.exact + exact,
    support,
    predicted,
    correct
  }
}

/** The evaluation of predictions that are kept, at some thresholds. Throws as `add` does. */
export const measure = (found: MultilabelPredictions, thresholds?: ReadonlyArray<number>): MultilabelMeasurement => ({
  ...add(empty(found.classes), found.logits, found.labels, thresholds),
  predictions: found,
  thresholds: thresholds ?? Array.from({ length: found.classes }, () => evenThreshold)
})

const sums = (a: Float64Array, b: Float64Array): Float64Array => a.map((count, i) => count + elementAt(b, i))

/** The evaluation of two parts together; associative and commutative, but for the rounding of the sum of losses. */
export const combine = (a: MultilabelEvaluation, b: MultilabelEvaluation): MultilabelEvaluation => ({
  values: "several",
  classes: a.classes,
  lossSum: a.lossSum + b.lossSum,
  samples: a.samples + b.samples,
  exact: a.exact + b.exact,
  support: sums(a.support, b.support),
  predicted: sums(a.predicted, b.predicted),
  correct: sums(a.correct, b.correct)
})

/** A class with fewer samples than this has no threshold of its own: it would be the one that fits a few samples' noise. */
export const enoughPositives = 10

/**
 * The threshold with the greatest F1 among a class's scores; at ties the one nearest to one half. Between two scores the
 * counts are the same: it is one half where that is between them, and else their middle.
 */
const bestThreshold = (scores: ReadonlyArray<{ readonly score: number; readonly applies: boolean }>): number => {
  const ranked = scores.toSorted((a, b) => b.score - a.score)
  const support = ranked.filter(({ applies }) => applies).length
  let correct = 0
  let best = { f1: -1, threshold: evenThreshold }
  for (const [i, { applies, score }] of ranked.entries()) {
    if (applies) correct++
    const below = ranked[i + 1]?.score ?? 0
    if (below === score) continue
    const f1 = (2 * correct) / (i + 1 + support)
    const isAround = below < evenThreshold && evenThreshold <= score
    const threshold = isAround ? evenThreshold : (score + below) / 2
    const isNearer = Math.abs(threshold - evenThreshold) < Math.abs(best.threshold - evenThreshold)
    if (f1 > best.f1 || (f1 === best.f1 && isNearer)) best = { f1, threshold }
  }
  return best.threshold
}

/**
 * The probability from which on each class applies: the one with the greatest F1 on these predictions, which should be
 * the validation part's. One half for a class with fewer than `enoughPositives` samples, or with a score that is no
 * number.
 *
 * Source: F1 is the greatest at a threshold of half its own value (Lipton, Elkan and Naryanaswamy, 2014), which is not
 * one half for rare classes; so it is chosen from data.
 */
export const chooseThresholds = ({ classes, labels, logits }: MultilabelPredictions): ReadonlyArray<number> => {
  const rows = rowsOf(logits, classes)
  return Array.from({ length: classes }, (_, c) => {
    const scores = rows.map((row, i) => ({
      score: sigmoid(elementAt(row, c)),
      applies: labels[i * classes + c] === 1
    }))
    const isEnough = scores.filter(({ applies }) => applies).length >= enoughPositives
    return isEnough && scores.every(({ score }) => Number.isFinite(score)) ? bestThreshold(scores) : evenThreshold
  })
}
