import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, MaxPool } from "../../../model/Block.ts"
import { windowOf } from "../../../model/shapes.ts"
import type { Applied } from "../tfjs/Pass.ts"
import { activationNumber } from "./activation.ts"
import type { Runner } from "./Runner.ts"

type Pool = typeof MaxPool.Type

/** On a graphics card: by TensorFlow's own operation. See `openBackend` for NaN. */
const byTensorflow = (run: Runner, { padding, size, stride }: Pool, input: tf.Tensor): Applied => {
  const attributes = (by: "SAME" | "VALID" | "EXPLICIT") => [
    run.float,
    run.int("ksize", [1, size, size, 1]),
    run.int("strides", [1, stride, stride, 1]),
    run.text("padding", by),
    run.text("data_format", "NHWC")
  ]
  const explicit = typeof padding === "number" && padding > 0
  const attrs = explicit
    ? [...attributes("EXPLICIT"), run.int("explicit_paddings", [0, 0, padding, padding, padding, padding, 0, 0])]
    : attributes(padding === "same" ? "SAME" : "VALID")
  const output = run.one("MaxPool", attrs, input)
  return {
    output,
    backward: (dy, wanted) => (wanted ? run.one("MaxPoolGrad", attrs, input, output, dy) : undefined)
  }
}

/** The largest value of each window; what is padded is smaller than any number. */
export const maxPool = (run: Runner, block: Pool, input: tf.Tensor): Applied => {
  if (run.usesGpu) return byTensorflow(run, block, input)
  const [, height, width] = input.shape as [number, number, number, number] // the shapes were checked
  const { left, outHeight, outWidth, top } = windowOf(block, [height, width])
  const attributes = [
    run.int("size", block.size),
    run.int("stride", block.stride),
    run.int("top", top),
    run.int("left", left),
    run.int("height", outHeight),
    run.int("width", outWidth)
  ]
  const [output, from] = run.many("WeftWindowMax", attributes, [input], 2)
  return {
    output,
    backward: (dy, wanted) => {
      const sizes = [run.int("height", height), run.int("width", width)]
      const dx = wanted ? run.one("WeftWindowMaxGrad", sizes, dy, from) : undefined
      from.dispose()
      return dx
    }
  }
}

/** Whether `quartered` pools so: on a processor, windows of 2 x 2 side by side, all inside the image. */
export const quarters = (run: Runner, block: Pool, input: tf.Tensor): boolean => {
  if (run.usesGpu || block.size !== 2 || block.stride !== 2) return false
  const [, height, width] = input.shape as [number, number, number, number] // the shapes were checked
  const { outHeight, outWidth } = windowOf(block, [height, width])
  return outHeight * 2 <= height && outWidth * 2 <= width
}

/**
 * The largest value of each window of 2 x 2, with a bias and an activation behind it, in one operation of Weft's own, which
 * keeps a byte for each window; of equal values the first gets the gradient, as PyTorch has it. The backward pass gives the
 * bias's gradient too, and looks at neither input nor output.
 */
export const quartered = (
  run: Runner,
  input: tf.Tensor,
  bias: tf.Tensor | undefined,
  activation: Clamp | undefined
) => {
  const attributes = [run.int("activation", activationNumber(activation))]
  const [output, which] = run.many("WeftMaxPool", attributes, [input, bias ?? run.nothing], 2)
  const [, height, width] = input.shape as [number, number, number, number] // the shapes were checked
  const size = [run.int("height", height), run.int("width", width)]
  return {
    output,
    backward: (gradient: tf.Tensor) => {
      const [dx, sums] = run.many("WeftMaxPoolGrad", size, [gradient, which], 2)
      which.dispose()
      return { gradient: dx, sums }
    }
  }
}
