import { Effect } from "effect"
import { draw } from "../../pipeline/draw.ts"
import type { Matrix } from "./Products.ts"
import { Products, rowsFrom, transpose } from "./Products.ts"

/** Directions in which rows vary most, and how much. */
export interface Principal {
  /** (columns, directions): orthonormal columns. */
  readonly directions: Matrix
  /** The mean square along each direction, the largest first. */
  readonly variances: Float64Array
  /** The mean square along one of the other directions. */
  readonly rest: number
}

/** Directions in which neighbours are looked for first, and in which second derivatives are known. */
export const usualDirections = 96

/** Rows that are looked at: enough for directions, which change little with more. */
const mostRows = 8192

/** Rounds of subspace iteration. */
const rounds = 6

/** Makes columns orthonormal, each after those before it, twice for the sake of rounding (Gram and Schmidt). */
const orthonormal = ({ columns, data, rows }: Matrix): Matrix => {
  // As rows, which lie together in memory.
  const vectors = transpose({ rows, columns, data }).data
  const vector = (i: number) => vectors.subarray(i * rows, (i + 1) * rows)
  const dot = (a: Float32Array, b: Float32Array) => {
    let sum = 0
    for (let i = 0; i < rows; i++) sum += a[i]! * b[i]!
    return sum
  }
  for (let i = 0; i < columns; i++) {
    const one = vector(i)
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const other = vector(j)
        const along = dot(one, other)
        for (let k = 0; k < rows; k++) one[k]! -= along * other[k]!
      }
    const length = Math.sqrt(dot(one, one))
    // A direction of nothing is left at zero: rows have fewer directions than were asked for.
    const scale = length > 1e-12 ? 1 / length : 0
    for (let k = 0; k < rows; k++) one[k]! *= scale
  }
  return transpose({ rows: columns, columns: rows, data: vectors })
}

/**
 * The `count` directions in which the rows of a matrix vary most around zero, nearly: by subspace iteration on the mean
 * of the rows' outer products. The same for the same rows.
 *
 * Source: Halko, Martinsson and Tropp, Finding Structure with Randomness, 2011, algorithm 4.4.
 */
export const principal = Effect.fn("principal")(function* (matrix: Matrix, count: number) {
  const { multiply } = yield* Products
  const size = matrix.columns
  const step = Math.max(1, Math.ceil(matrix.rows / mostRows))
  const rows = Math.floor((matrix.rows + step - 1) / step)
  const some: Matrix = step === 1 ? matrix : { rows, columns: size, data: new Float32Array(rows * size) }
  if (step > 1) for (let i = 0; i < rows; i++) some.data.set(rowsFrom(matrix, i * step, i * step + 1).data, i * size)
  const square = yield* multiply(some, some, "first")
  const data = square.data.map((value) => value / rows)
  const covariance: Matrix = { ...square, data }
  const wanted = Math.min(count, size)
  const random = draw("principal")
  let directions = orthonormal({
    rows: size,
    columns: wanted,
    data: Float32Array.from({ length: size * wanted }, () => random.normal())
  })
  for (let round = 0; round < rounds; round++) directions = orthonormal(yield* multiply(covariance, directions))
  const moved = yield* multiply(covariance, directions)
  const variances = new Float64Array(wanted)
  for (let i = 0; i < size; i++)
    for (let j = 0; j < wanted; j++) variances[j]! += directions.data[i * wanted + j]! * moved.data[i * wanted + j]!
  let trace = 0
  for (let i = 0; i < size; i++) trace += data[i * size + i]!
  const others = trace - variances.reduce((sum, one) => sum + one, 0)
  return {
    directions,
    variances,
    rest: size > wanted ? Math.max(others, 0) / (size - wanted) : 0
  } satisfies Principal
})
