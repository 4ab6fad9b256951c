import type * as tf from "@tensorflow/tfjs-core"
import type { Window } from "../../../model/shapes.ts"
import { channelsOf } from "../tfjs/shape.ts"
import type { Runner } from "./Runner.ts"

/** The product of two matrices, each as it is or transposed. */
export const matMul = (run: Runner, a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor =>
  run.one("MatMul", [run.float, run.bool("transpose_a", transposeA), run.bool("transpose_b", transposeB)], a, b)

/** A tensor's last axis as columns. */
export const rows = (run: Runner, x: tf.Tensor): tf.Tensor => run.reshape(x, [x.size / channelsOf(x), channelsOf(x)])

/** A convolution whose pixels do not look at each other: matrices, which TensorFlow multiplies faster than it slides. */
export const isPointwise = (
  run: Runner,
  { bottom, kernelHeight, kernelWidth, left, right, stride, top }: Window
): boolean => !run.usesGpu && kernelHeight * kernelWidth * stride === 1 && top + bottom + left + right === 0

/** The three products of such a convolution. */
export const pointwise = {
  forward: (run: Runner, input: tf.Tensor, filter: tf.Tensor): tf.Tensor => {
    const product = matMul(run, rows(run, input), rows(run, filter))
    return run.reshape(product, [...input.shape.slice(0, -1), channelsOf(filter)])
  },
  filterGradient: (run: Runner, input: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
    run.reshape(matMul(run, rows(run, input), rows(run, dy), true), filter.shape),
  inputGradient: (run: Runner, input: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
    run.reshape(matMul(run, rows(run, dy), rows(run, filter), false, true), input.shape)
}
