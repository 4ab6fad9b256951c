import { Effect } from "effect"
import type { Principal } from "./principal.ts"
import type { Matrix } from "./Products.ts"
import { largestOf, Products, rowsFrom } from "./Products.ts"

/** A row of a matrix, and how similar it is: the cosine, from -1 to 1. */
export interface Near {
  readonly row: number
  readonly similarity: number
}

/** Rows as vectors of length 1; a row of zeros stays. */
export const unitRows = ({ columns, data, rows }: Matrix): Matrix => {
  const unit = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += data[i]! ** 2
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0
    for (let i = row * columns; i < (row + 1) * columns; i++) unit[i] = data[i]! * scale
  }
  return { rows, columns, data: unit }
}

/** Queries whose similarities to all rows are in memory at once. */
const atOnce = 256

/** The product of a query and a row, both of length 1. */
const cosine = (query: Float32Array, { columns, data }: Matrix, row: number): number => {
  const from = row * columns
  // Four sums, which the processor adds side by side.
  let [one, two, three, four] = [0, 0, 0, 0]
  const end = columns - (columns % 4)
  for (let k = 0; k < end; k += 4) {
    one += query[k]! * data[from + k]!
    two += query[k + 1]! * data[from + k + 1]!
    three += query[k + 2]! * data[from + k + 2]!
    four += query[k + 3]! * data[from + k + 3]!
  }
  for (let k = end; k < columns; k++) one += query[k]! * data[from + k]!
  return one + two + (three + four)
}

/**
 * The `count` rows of `base` that are most similar to each query; all rows are of length 1.
 *
 * With `principal` directions of the base, four times as many candidates are found along these, and then compared
 * in full: several times as quick, for many queries.
 */
export const nearest = Effect.fn("nearest")(function* (
  queries: Matrix,
  base: Matrix,
  count: number,
  principal?: Principal
) {
  const { largest, multiply } = yield* Products
  const few = principal === undefined ? undefined : yield* multiply(base, principal.directions)
  const found: Array<ReadonlyArray<Near>> = []
  for (let from = 0; from < queries.rows; from += atOnce) {
    const some = rowsFrom(queries, from, from + atOnce)
    const near =
      few === undefined || principal === undefined
        ? yield* largest(some, base, count)
        : yield* largest(yield* multiply(some, principal.directions), few, 4 * count)
    for (let i = 0; i < some.rows; i++) {
      const rows = near.indexes.subarray(i * near.count, (i + 1) * near.count)
      if (few === undefined) {
        found.push(Array.from(rows, (row, at) => ({ row, similarity: near.values[i * near.count + at]! })))
        continue
      }
      const query = rowsFrom(some, i, i + 1).data
      const candidates = Array.from(rows, (row) => ({ row, similarity: cosine(query, base, row) }))
      found.push(candidates.sort((a, b) => b.similarity - a.similarity || a.row - b.row).slice(0, count))
    }
    yield* Effect.yieldNow
  }
  return found
})

/** Multiplications in a row, before other fibers get their turn. */
const inARow = 1 << 22

/**
 * The `count` rows of `base` among `rows` that are most similar to each query; all rows are of length 1. By plain loops:
 * a few queries over a part of the base are quicker so than the part is copied.
 */
export const nearestAmong = Effect.fn("nearestAmong")(function* (
  queries: Matrix,
  base: Matrix,
  rows: ReadonlyArray<number>,
  count: number
) {
  const size = base.columns
  const found: Array<ReadonlyArray<Near>> = []
  const similarities = new Float32Array(rows.length)
  let done = 0
  for (let i = 0; i < queries.rows; i++) {
    const query = rowsFrom(queries, i, i + 1).data
    for (const [at, row] of rows.entries()) {
      similarities[at] = cosine(query, base, row)
      done += size
      if (done < inARow) continue
      done = 0
      yield* Effect.yieldNow
    }
    found.push(largestOf(similarities, count).map((at) => ({ row: rows[at]!, similarity: similarities[at]! })))
  }
  return found
})

/** How sharply a neighbour's vote falls with its similarity. Source: Caron et al. (DINO), 2021, section 4.1. */
const sharpness = 0.07

/** The class that the first `k` neighbours vote for, each with exp(similarity / 0.07); the smaller index where equal. */
export const vote = (near: ReadonlyArray<Near>, labels: Int32Array, k: number, classes: number): number => {
  const votes = new Float64Array(classes)
  for (const { row, similarity } of near.slice(0, k)) votes[labels[row]!]! += Math.exp((similarity - 1) / sharpness)
  return votes.reduce((best, value, c) => (value > votes[best]! ? c : best), 0)
}
