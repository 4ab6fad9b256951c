import type { Matrix } from "./Products.ts"

/** Features brought to mean 0 and deviation 1, each by the training part's. */
export const standardise = (train: Matrix) => {
  const { columns, data, rows } = train
  const mean = new Float64Array(columns)
  const square = new Float64Array(columns)
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < columns; i++, at++) {
      mean[i]! += data[at]!
      square[i]! += data[at]! ** 2
    }
  for (let i = 0; i < columns; i++) {
    mean[i]! /= rows
    const variance = square[i]! / rows - mean[i]! ** 2
    // A feature that is the same everywhere says nothing; rounding may make its variance slightly negative.
    square[i] = variance > 1e-12 ? 1 / Math.sqrt(variance) : 0
  }
  return ({ data, ...size }: Matrix): Matrix => {
    const result = new Float32Array(data.length)
    for (let at = 0, i = 0; at < data.length; at++) {
      result[at] = (data[at]! - mean[i]!) * square[i]!
      if (++i === columns) i = 0
    }
    return { ...size, data: result }
  }
}
