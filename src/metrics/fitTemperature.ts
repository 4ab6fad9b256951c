import { elementAt } from "../pipeline/elementAt.ts"
import type { Predictions } from "./calibration.ts"
import type { MultilabelPredictions } from "./multilabel.ts"
import { sigmoid } from "./multilabel.ts"
import { rowsOf } from "./rowsOf.ts"

/** Temperatures lie between 1 / this and this. */
const most = 100
/** Many more than Newton's method needs, and enough for bisection alone. */
const steps = 200

/** First and second derivative of the samples' summed loss with respect to β = 1 / T, in which it is convex. */
const softmaxSlopes = ({ classes, labels, logits }: Predictions, beta: number) => {
  let first = 0
  let second = 0
  for (const [i, row] of rowsOf(logits, classes).entries()) {
    let highest = -Infinity
    for (const logit of row) highest = Math.max(highest, logit)
    let sum = 0
    let mean = 0
    let square = 0
    for (const logit of row) {
      const z = logit - highest
      const e = Math.exp(beta * z)
      sum += e
      mean += e * z
      square += e * z * z
    }
    mean /= sum
    first += mean - (elementAt(row, elementAt(labels, i)) - highest)
    second += square / sum - mean * mean
  }
  return { first, second }
}

/** The same of the binary cross-entropies of a column with several values, all pairs of a sample and a class together. */
const sigmoidSlopes = ({ labels, logits }: MultilabelPredictions, beta: number) => {
  let first = 0
  let second = 0
  for (const [at, x] of logits.entries()) {
    const p = sigmoid(beta * x)
    first += (p - elementAt(labels, at)) * x
    second += p * (1 - p) * x * x
  }
  return { first, second }
}

/**
 * The temperature T whose softmax(logits / T) has the smallest cross-entropy on some samples, between 1 / 100 and 100.
 *
 * Of a column with several values, the same with sigmoids and their binary cross-entropies.
 *
 * Newton's method on β = 1 / T, bisection where it would leave the interval that holds the minimum. Where all predictions
 * are correct, the loss has no minimum: it falls as T goes to 0. T is 1 then, as it is without samples.
 * Source: Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2.
 */
export const fitTemperature = (found: Predictions | MultilabelPredictions): number => {
  const slopesAt = (beta: number) => ("values" in found ? sigmoidSlopes(found, beta) : softmaxSlopes(found, beta))
  let low = 1 / most
  let high = most
  // Negated, so that a NaN among the logits gives 1.
  if (!(slopesAt(high).first > 0)) return 1
  if (slopesAt(low).first >= 0) return 1 / low
  let beta = 1
  for (let step = 0; step < steps; step++) {
    const { first, second } = slopesAt(beta)
    if (first > 0) high = beta
    else low = beta
    const newton = beta - first / second
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high)
    const isConverged = Math.abs(next - beta) <= 1e-12 * beta
    beta = next
    if (isConverged) break
  }
  return 1 / beta
}
