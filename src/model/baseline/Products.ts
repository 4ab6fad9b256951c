import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"

/** A matrix of float32 numbers, row by row. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array
}

/** A linear classifier of features: logits = features weights + bias. */
export interface Linear {
  /** (features, classes). */
  readonly weights: Matrix
  readonly bias: Float32Array
}

/** Rows with their classes. */
export interface Labelled {
  readonly features: Matrix
  readonly labels: Int32Array
}

/** How well a linear classifier's softmax fits rows. */
export interface SoftmaxLoss {
  /** The mean cross-entropy. */
  readonly loss: number
  /** Its gradient by the weights and the bias. */
  readonly gradient: Linear
  /** The mean of p (1 - p) of each class. */
  readonly spread: Float64Array
}

/** The largest products of each row with others, the largest first; the first of equal ones comes first. */
export interface Largest {
  /** How many of each row. */
  readonly count: number
  /** The others' indexes, `count` a row. */
  readonly indexes: Int32Array
  readonly values: Float32Array
}

/** Products of matrices cannot be had: `unavailable` (nothing here computes them quickly), `failed`. */
export class ProductsError extends Schema.TaggedError<ProductsError>()("ProductsError", {
  reason: Schema.Literals(["unavailable", "failed"]),
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** 4 where nothing computes them, 1 for all else. */
  override get [Runtime.errorExitCode]() {
    return this.reason === "unavailable" ? 4 : 1
  }
  override get message() {
    return `Matrices cannot be multiplied: ${this.detail}`
  }
}

/** Which of two factors is transposed first. */
export type Transposed = "neither" | "first" | "second"

/** Products of large matrices, and what is made of them at once, on all threads of the processor. */
export class Products extends Context.Service<
  Products,
  {
    readonly multiply: (a: Matrix, b: Matrix, transposed?: Transposed) => Effect.Effect<Matrix, ProductsError>
    /** The products stay where they are computed: they would be as many as rows times classes. */
    readonly softmaxLoss: (rows: Labelled, linear: Linear) => Effect.Effect<SoftmaxLoss, ProductsError>
    /** Of each row of `a` with all rows of `b`; fewer than `count` where `b` has fewer. */
    readonly largest: (a: Matrix, b: Matrix, count: number) => Effect.Effect<Largest, ProductsError>
  }
>()("weft/model/baseline/Products") {
  /** By plain loops, in double precision: for tests. */
  static readonly layerPlain = Layer.succeed(Products, {
    multiply: (a, b, transposed = "neither") => Effect.sync(() => multiplied(a, b, transposed)),
    softmaxLoss: (rows, linear) => Effect.sync(() => softmaxLossOf(rows, linear)),
    largest: (a, b, most) =>
      Effect.sync(() => {
        const products = multiplied(a, b, "second")
        const count = Math.min(most, b.rows)
        const indexes = new Int32Array(a.rows * count)
        for (let row = 0; row < a.rows; row++)
          indexes.set(largestOf(rowsFrom(products, row, row + 1).data, count), row * count)
        const values = Float32Array.from(
          indexes,
          (index, at) => products.data[Math.floor(at / count) * b.rows + index]!
        )
        return { count, indexes, values }
      })
  })
}

/** A matrix's columns as rows. */
export const transpose = ({ columns, data, rows }: Matrix): Matrix => {
  const result = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!
  return { rows: columns, columns: rows, data: result }
}

/** Some rows of a matrix, without a copy. */
export const rowsFrom = ({ columns, data, rows }: Matrix, from: number, to: number): Matrix => {
  const end = Math.min(to, rows)
  return { rows: end - from, columns, data: data.subarray(from * columns, end * columns) }
}

/** The indexes of the largest of some values, the largest first; the first of equal ones comes first. */
export const largestOf = (values: Float32Array, count: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  let least = -Infinity
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!
    if (found.length === count && value <= least) continue
    let at = found.length
    while (at > 0 && values[found[at - 1]!]! < value) at--
    found.splice(at, 0, row)
    if (found.length > count) found.pop()
    least = values[found.at(-1)!]!
  }
  return found
}

const multiplied = (a: Matrix, b: Matrix, transposed: Transposed): Matrix => {
  const one = transposed === "first" ? transpose(a) : a
  const other = transposed === "second" ? b : transpose(b)
  const data = new Float32Array(one.rows * other.rows)
  for (let i = 0; i < one.rows; i++)
    for (let j = 0; j < other.rows; j++) {
      let sum = 0
      for (let k = 0; k < one.columns; k++) sum += one.data[i * one.columns + k]! * other.data[j * one.columns + k]!
      data[i * other.rows + j] = sum
    }
  return { rows: one.rows, columns: other.rows, data }
}

const softmaxLossOf = ({ features, labels }: Labelled, { bias, weights }: Linear): SoftmaxLoss => {
  const classes = bias.length
  const rows = labels.length
  const { data } = multiplied(features, weights, "neither")
  const byBias = new Float64Array(classes)
  const spread = new Float64Array(classes)
  let loss = 0
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * classes, (row + 1) * classes)
    const label = labels[row]!
    for (let c = 0; c < classes; c++) own[c]! += bias[c]!
    const most = own.reduce((most, logit) => Math.max(most, logit), -Infinity)
    const sum = own.reduce((sum, logit) => sum + Math.exp(logit - most), 0)
    loss += Math.log(sum) + most - own[label]!
    for (let c = 0; c < classes; c++) {
      const p = Math.exp(own[c]! - most) / sum
      spread[c]! += (p * (1 - p)) / rows
      own[c] = (p - (c === label ? 1 : 0)) / rows
      byBias[c]! += own[c]!
    }
  }
  const byWeights = multiplied(features, { rows, columns: classes, data }, "first")
  return { loss: loss / rows, gradient: { weights: byWeights, bias: Float32Array.from(byBias) }, spread }
}
