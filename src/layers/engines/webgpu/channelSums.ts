import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import { groupsFor, program } from "./Program.ts"

const threads = 64

const columns = program({
  name: "columns",
  inputs: ["x"],
  arguments: ["rows", "columns", "atOnce", "count"],
  threads,
  code: `
    if (index >= uniforms.count) { return; }
    let column = index % uniforms.columns;
    let first = index / uniforms.columns * uniforms.atOnce;
    var sum = 0.0;
    for (var row = first; row < min(first + uniforms.atOnce, uniforms.rows); row++) {
      sum += x[row * uniforms.columns + column];
    }
    result[index] = sum;`
})

/** A column of so few rows is one thread's. */
const shortest = 16

/** The sums of a matrix's columns: of about the root of the rows each, then of these sums. The order is always the same. */
export const columnSums = (
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  rows: number,
  width: number,
  shape: ReadonlyArray<number>
): tf.TensorInfo => {
  const atOnce = rows <= shortest ? rows : Math.ceil(Math.sqrt(rows))
  const pieces = Math.ceil(rows / atOnce)
  const sum = (x: tf.TensorInfo, rows: number, atOnce: number, pieces: number, shape: ReadonlyArray<number>) =>
    columns(backend, {
      inputs: [x],
      arguments: {
        rows: { i32: rows },
        columns: { i32: width },
        atOnce: { i32: atOnce },
        count: { i32: pieces * width }
      },
      shape,
      groups: groupsFor(pieces * width, threads)
    })
  if (pieces === 1) return sum(x, rows, rows, 1, shape)
  const parts = sum(x, rows, atOnce, pieces, [pieces, width])
  const whole = sum(parts, pieces, pieces, 1, shape)
  backend.disposeData(parts.dataId)
  return whole
}
