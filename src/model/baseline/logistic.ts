import { Effect } from "effect"
import { lbfgs } from "./lbfgs.ts"
import type { Principal } from "./principal.ts"
import type { Matrix } from "./Products.ts"
import { Products } from "./Products.ts"

/** A linear classifier of features: logits = features weights + bias. */
export interface Linear {
  /** (features, classes). */
  readonly weights: Matrix
  readonly bias: Float32Array
}

/** A classifier that was fitted. */
export interface Fitted extends Linear {
  /** Mean cross-entropy of the training rows, without the penalty. */
  readonly loss: number
  readonly evaluations: number
  readonly isConverged: boolean
}

/** Rows with their classes. */
export interface Labelled {
  readonly features: Matrix
  readonly labels: Int32Array
}

/** scikit-learn's `tol`: the largest number of the gradient at the end. */
const tolerance = 1e-4

/** The logits of rows, one class a column. */
export const logitsOf = Effect.fnUntraced(function* (features: Matrix, { bias, weights }: Linear) {
  const { multiply } = yield* Products
  const { data } = yield* multiply(features, weights)
  const classes = bias.length
  for (let at = 0, c = 0; at < data.length; at++) {
    data[at]! += bias[c]!
    if (++c === classes) c = 0
  }
  return data
})

/**
 * In the place of each row's logits, softmax minus one for its class, over the number of rows: the gradient of their mean
 * cross-entropy by the logits. Also gives that mean, and the mean of p (1 - p).
 */
const toGradient = (logits: Float32Array, labels: Int32Array, classes: number) => {
  const rows = labels.length
  let loss = 0
  let spread = 0
  for (let row = 0; row < rows; row++) {
    const from = row * classes
    let most = -Infinity
    for (let c = 0; c < classes; c++) most = Math.max(most, logits[from + c]!)
    let sum = 0
    const label = labels[row]!
    const own = logits[from + label]!
    for (let c = 0; c < classes; c++) sum += logits[from + c] = Math.exp(logits[from + c]! - most)
    loss += Math.log(sum) + most - own
    for (let c = 0; c < classes; c++) {
      const p = logits[from + c]! / sum
      spread += p * (1 - p)
      logits[from + c] = p / rows
    }
    logits[from + label]! -= 1 / rows
  }
  return { loss: loss / rows, spread: spread / (rows * classes) }
}

/**
 * Multinomial logistic regressions with L2 penalties, each to its minimum:
 * mean cross-entropy + strength / 2 * sum of squared weights, the bias left free. scikit-learn's C is 1 / (rows strength).
 *
 * The strongest penalty comes first, and each begins where the one before ended. L-BFGS begins its directions with the
 * inverse of p (1 - p) times the features' covariance plus the penalty, the covariance known in its `principal`
 * directions: it bounds the second derivatives (Böhning, Multinomial Logistic Regression Algorithm, 1992) and saves most
 * of the steps.
 */
export const fitLogistic = Effect.fn("fitLogistic")(function* (
  { features, labels }: Labelled,
  classes: number,
  strengths: ReadonlyArray<number>,
  { directions, rest, variances }: Principal
) {
  const { multiply } = yield* Products
  const size = features.columns
  const count = size * classes
  const linearOf = (point: Float64Array): Linear => ({
    weights: { rows: size, columns: classes, data: Float32Array.from(point.subarray(0, count)) },
    bias: Float32Array.from(point.subarray(count))
  })
  let spread = (1 / classes) * (1 - 1 / classes)
  let point = new Float64Array(count + classes)
  const fitted: Array<Fitted & { readonly strength: number }> = []
  for (const strength of strengths.toSorted((a, b) => b - a)) {
    let loss = 0
    const at = Effect.fnUntraced(function* (point: Float64Array) {
      const logits = yield* logitsOf(features, linearOf(point))
      const found = toGradient(logits, labels, classes)
      spread = found.spread
      loss = found.loss
      const { data } = yield* multiply(features, { rows: labels.length, columns: classes, data: logits }, "first")
      const gradient = new Float64Array(count + classes)
      let penalty = 0
      for (let i = 0; i < count; i++) {
        gradient[i] = data[i]! + strength * point[i]!
        penalty += point[i]! ** 2
      }
      for (let i = 0, c = 0; i < logits.length; i++) {
        gradient[count + c]! += logits[i]!
        if (++c === classes) c = 0
      }
      return { value: found.loss + (strength / 2) * penalty, gradient }
    })
    const curvature = spread
    const other = 1 / (curvature * rest + strength)
    const factors = variances.map((variance) => 1 / (curvature * variance + strength) - other)
    const nearlyInverse = Effect.fnUntraced(function* (vector: Float64Array) {
      const matrix = { rows: size, columns: classes, data: Float32Array.from(vector.subarray(0, count)) }
      const along = yield* multiply(directions, matrix, "first")
      const scaled = along.data.map((value, i) => value * factors[Math.floor(i / classes)]!)
      const { data } = yield* multiply(directions, { ...along, data: scaled })
      return vector.map((value, i) => (i < count ? data[i]! + other * value : value / curvature))
    })
    const found = yield* lbfgs({ at, nearlyInverse, tolerance, mostSteps: 1000 }, point)
    point = new Float64Array(found.point)
    const { evaluations, isConverged } = found
    fitted.push({ ...linearOf(point), loss, evaluations, isConverged, strength })
  }
  return fitted
})
