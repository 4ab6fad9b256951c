import type * as tf from "@tensorflow/tfjs-core"
import type { Runner } from "./Runner.ts"
import type { Slide } from "./slide.ts"

/** Shorter lines of the output than this, or more weights, and TensorFlow's own operation is as fast. */
const shortest = 16
const mostWeights = 2 ** 18

/**
 * The gradient of a convolution's filter. On a processor, where lines are long, by an operation of Weft's own: it takes
 * half the time of TensorFlow's. It wants filters in thirty-twos.
 */
export const filterGradient = (
  run: Runner,
  { attributes, before, kernel, stride }: Slide,
  input: tf.Tensor,
  filter: tf.Tensor,
  dy: tf.Tensor
): tf.Tensor => {
  const ours = !run.usesGpu && filter.shape[3]! % 32 === 0 && dy.shape[2]! >= shortest && filter.size <= mostWeights
  if (!ours) return run.one("Conv2DBackpropFilter", attributes, input, run.ints(...filter.shape), dy)
  const [high, wide] = kernel
  const settings = { high, wide, stride, top: before[0], left: before[1] }
  const own = Object.entries(settings).map(([name, value]) => run.int(name, value))
  return run.one("WeftConvFilterGrad", own, input, dy)
}
