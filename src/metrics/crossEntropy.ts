import type { Mix } from "../pipeline/Batch.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { rowsOf } from "./rowsOf.ts"

/** How the losses of rows are combined into the loss of a batch. */
export interface CrossEntropyOptions {
  readonly classes: number
  /** Share of the target that is spread evenly over all classes. */
  readonly labelSmoothing: number
  /** One factor a class; without them, all count the same. */
  readonly classWeights: Float32Array | undefined
  /** Where rows have two labels each. */
  readonly mix?: Mix | undefined
}

/** log Σ exp of one row of logits, shifted by its maximum so that nothing overflows. */
export const logSumExp = (row: Float32Array): number => {
  let maximum = -Infinity
  for (const logit of row) maximum = Math.max(maximum, logit)
  let sum = 0
  for (const logit of row) sum += Math.exp(logit - maximum)
  return maximum + Math.log(sum)
}

/**
 * The mean softmax cross-entropy of a batch (nats), and its gradient with respect to the logits (N, classes).
 *
 * With p = softmax(row), w the class weights and s the smoothing, a row's target is t_c = (1 - s) w_y [c = y] +
 * s w_c / classes, its loss -Σ t_c log p_c; the mean is over the sum of w_y. Where a row has two labels, [c = y] is the
 * share of each, w_y becomes w_c, and the mean is over the rows. Computed in float64.
 * Source: PyTorch's `cross_entropy(weight, label_smoothing, reduction="mean")`, with class indexes and, for two labels,
 * with probabilities.
 */
export const crossEntropy = (
  logits: Float32Array,
  labels: Int32Array,
  { classes, classWeights, labelSmoothing, mix }: CrossEntropyOptions
): { readonly loss: number; readonly gradient: Float32Array } => {
  const weightOf = (c: number) => classWeights?.[c] ?? 1
  let smoothed = 0 // the part of every row's target that does not depend on its label, summed over the classes
  for (let c = 0; c < classes; c++) smoothed += (labelSmoothing * weightOf(c)) / classes
  let loss = 0
  const total = mix === undefined ? labels.reduce((sum, label) => sum + weightOf(label), 0) : labels.length
  const gradient = new Float32Array(logits.length)
  for (const [i, row] of rowsOf(logits, classes).entries()) {
    const label = elementAt(labels, i)
    const normaliser = logSumExp(row)
    const other = mix === undefined ? label : elementAt(labels, elementAt(mix.partners, i))
    const share = mix?.shares[i] ?? 1
    const first = (1 - labelSmoothing) * share * weightOf(label)
    const second = (1 - labelSmoothing) * (1 - share) * weightOf(other)
    const sum = first + second + smoothed
    let c = 0
    for (const logit of row) {
      const sharp = (c === label ? first : 0) + (c === other ? second : 0)
      const target = sharp + (labelSmoothing * weightOf(c)) / classes
      const logProbability = logit - normaliser
      // A class without a target adds nothing, also where its probability is 0 and the logarithm -Infinity.
      if (target !== 0) loss -= target * logProbability
      gradient[i * classes + c] = (sum * Math.exp(logProbability) - target) / total
      c++
    }
  }
  return { loss: loss / total, gradient }
}

/** The cross-entropy of each row (nats), without class weights and smoothing, as an evaluation sums them. */
export const rowLosses = (logits: Float32Array, labels: Int32Array, classes: number): Float64Array =>
  Float64Array.from(rowsOf(logits, classes), (row, i) => logSumExp(row) - elementAt(row, elementAt(labels, i)))

/** The softmax (N, classes) of logits (N, classes); each row adds up to 1. */
export const softmax = (logits: Float32Array, classes: number): Float64Array => {
  const probabilities = new Float64Array(logits.length)
  let at = 0
  for (const row of rowsOf(logits, classes)) {
    const normaliser = logSumExp(row)
    for (const logit of row) probabilities[at++] = Math.exp(logit - normaliser)
  }
  return probabilities
}
