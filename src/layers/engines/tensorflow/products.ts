import type * as tf from "@tensorflow/tfjs-core"
import { channelsOf } from "../tfjs/shape.ts"
import type { Runner } from "./Runner.ts"

/** The product of two matrices, each as it is or transposed. */
export const matMul = (run: Runner, a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor =>
  run.one("MatMul", [run.float, run.bool("transpose_a", transposeA), run.bool("transpose_b", transposeB)], a, b)

/** A tensor's last axis as columns. */
export const rows = (run: Runner, x: tf.Tensor): tf.Tensor => run.reshape(x, [x.size / channelsOf(x), channelsOf(x)])
