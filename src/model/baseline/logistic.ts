import { Effect } from "effect"
import type { Evaluated, Pair } from "./lbfgs.ts"
import { lbfgs } from "./lbfgs.ts"
import type { Principal } from "./principal.ts"
import type { Labelled, Linear, Matrix } from "./Products.ts"
import { Products } from "./Products.ts"

/** A classifier that was fitted. */
export interface Fitted extends Linear {
  readonly strength: number
  /** Mean cross-entropy of the training rows, without the penalty. */
  readonly loss: number
  readonly evaluations: number
  readonly isConverged: boolean
}

/** The strengths of the penalty that are tried: strength / 2 times the sum of squared weights. */
export const strengths = [0.1, 0.03, 0.01, 0.003, 0.001] as const

/** scikit-learn's `tol`: the largest number of the gradient at the end. */
const tolerance = 1e-4

/** What may be left to gain of the penalised loss. What is left is a few times as much as is estimated: below 1e-4. */
const gain = 3e-7

/** The least p (1 - p) of a class that is divided by: that of a class without rows approaches 0. */
const leastSpread = 1e-6

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

/** The logarithms of the classes' shares of the rows, as if each class had half a row more. */
const logShares = (labels: Int32Array, classes: number): Float64Array => {
  const counts = new Float64Array(classes).fill(0.5)
  for (const label of labels) counts[label]! += 1
  return counts.map((count) => Math.log(count / (labels.length + classes / 2)))
}

/** The penalised loss. */
interface Loss extends Evaluated {
  /** Without the penalty. */
  readonly loss: number
  readonly spread: Float64Array
}

/** What was found at one strength, for the next one to begin with. */
interface Found {
  readonly strength: number
  readonly point: Float64Array
  readonly pairs: ReadonlyArray<Pair>
}

/** Where the minimum of another strength may lie: on the line through the last two, by the logarithm of the strength. */
const guess = (start: Float64Array, [before, last]: ReadonlyArray<Found>, strength: number): Float64Array => {
  if (before === undefined) return start
  if (last === undefined || last.strength === before.strength) return (last ?? before).point
  const further = Math.log(strength / last.strength) / Math.log(last.strength / before.strength)
  return last.point.map((value, i) => value + further * (value - before.point[i]!))
}

/**
 * Multinomial logistic regressions with L2 penalties, each to its minimum:
 * mean cross-entropy + strength / 2 * sum of squared weights, the bias left free. scikit-learn's C is 1 / (rows strength).
 *
 * The strongest penalty comes first. Each begins where the line through the two before it leads, and keeps the steps that
 * L-BFGS remembers: another strength changes the gradient along them in a way that is known. L-BFGS begins its
 * directions with the inverse of each class's mean p (1 - p) times the features' covariance plus the penalty, the
 * covariance known in its `principal` directions (after Böhning, Multinomial Logistic Regression Algorithm, 1992).
 */
export const fitLogistic = Effect.fn("fitLogistic")(function* (
  rows: Labelled,
  classes: number,
  strengths: ReadonlyArray<number>,
  { directions, rest, variances }: Principal
) {
  const { multiply, softmaxLoss } = yield* Products
  const size = rows.features.columns
  const count = size * classes
  const linearOf = (point: Float64Array): Linear => ({
    weights: { rows: size, columns: classes, data: Float32Array.from(point.subarray(0, count)) },
    bias: Float32Array.from(point.subarray(count))
  })
  const start = new Float64Array(count + classes)
  start.set(logShares(rows.labels, classes), count)
  const fitted: Array<Fitted> = []
  const lastTwo: Array<Found> = []
  for (const strength of strengths.toSorted((a, b) => b - a)) {
    const at = Effect.fnUntraced(function* (point: Float64Array) {
      const { gradient: found, loss, spread } = yield* softmaxLoss(rows, linearOf(point))
      const gradient = new Float64Array(count + classes)
      let penalty = 0
      for (let i = 0; i < count; i++) {
        const weight = point[i]!
        gradient[i] = found.weights.data[i]! + strength * weight
        penalty += weight * weight
      }
      gradient.set(found.bias, count)
      return { value: loss + (strength / 2) * penalty, gradient, loss, spread } satisfies Loss
    })
    const point = guess(start, lastTwo, strength)
    const evaluated = yield* at(point)
    const spread = evaluated.spread.map((value) => Math.max(value, leastSpread))
    const other = spread.map((value) => 1 / (value * rest + strength))
    const factors = Float64Array.from({ length: variances.length * classes }, (_, i) => {
      const c = i % classes
      return 1 / (spread[c]! * variances[Math.floor(i / classes)]! + strength) - other[c]!
    })
    const nearlyInverse = Effect.fnUntraced(function* (vector: Float64Array) {
      const matrix = { rows: size, columns: classes, data: Float32Array.from(vector.subarray(0, count)) }
      const along = yield* multiply(directions, matrix, "first")
      const scaled = along.data.map((value, i) => value * factors[i]!)
      const { data } = yield* multiply(directions, { ...along, data: scaled })
      const result = new Float64Array(count + classes)
      for (let i = 0, c = 0; i < count; i++) {
        result[i] = data[i]! + other[c]! * vector[i]!
        if (++c === classes) c = 0
      }
      for (let c = 0; c < classes; c++) result[count + c] = vector[count + c]! / spread[c]!
      return result
    })
    const last = lastTwo.at(-1)
    const change = strength - (last?.strength ?? strength)
    const pairs = last?.pairs.map(({ s, y }) => ({ s, y: y.map((one, i) => (i < count ? one + change * s[i]! : one)) }))
    const problem = { at, nearlyInverse, tolerance, gain, mostSteps: 1000 }
    const found = yield* lbfgs(problem, { point, evaluated, pairs: pairs ?? [] })
    if (lastTwo.length === 2) lastTwo.shift()
    lastTwo.push({ strength, point: found.point, pairs: found.pairs })
    const { evaluations, isConverged } = found
    fitted.push({ ...linearOf(found.point), loss: found.evaluated.loss, evaluations, isConverged, strength })
  }
  return fitted
})
