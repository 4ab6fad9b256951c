import { elementAt } from "../pipeline/elementAt.ts"
import { rowsOf } from "./rowsOf.ts"

/** log Σ exp of one row of logits, shifted by its maximum so that nothing overflows. */
export const logSumExp = (row: Float32Array | Float64Array): number => {
  let maximum = -Infinity
  for (const logit of row) maximum = Math.max(maximum, logit)
  let sum = 0
  for (const logit of row) sum += Math.exp(logit - maximum)
  return maximum + Math.log(sum)
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
