import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"

/** A matrix of float32 numbers, row by row. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array
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

/** Products of large matrices, on all threads of the processor. */
export class Products extends Context.Service<
  Products,
  { readonly multiply: (a: Matrix, b: Matrix, transposed?: Transposed) => Effect.Effect<Matrix, ProductsError> }
>()("weft/model/baseline/Products") {
  /** By plain loops, in double precision: for tests. */
  static readonly layerPlain = Layer.succeed(Products, {
    multiply: (a, b, transposed = "neither") =>
      Effect.sync(() => {
        const one = transposed === "first" ? transpose(a) : a
        const other = transposed === "second" ? b : transpose(b)
        const data = new Float32Array(one.rows * other.rows)
        for (let i = 0; i < one.rows; i++)
          for (let j = 0; j < other.rows; j++) {
            let sum = 0
            for (let k = 0; k < one.columns; k++)
              sum += one.data[i * one.columns + k]! * other.data[j * one.columns + k]!
            data[i * other.rows + j] = sum
          }
        return { rows: one.rows, columns: other.rows, data }
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
