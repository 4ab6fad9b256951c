import type * as tf from "@tensorflow/tfjs-core"
import type { Activation, MaxPool } from "../../model/Block.ts"
import { window } from "../../model/shapes.ts"
import type { Applied } from "../tfjs/Pass.ts"
import { rectifierNumber } from "./rectifiers.ts"
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
  const { padding, size, stride } = block
  const [, height, width] = input.shape as [number, number, number, number] // the shapes were checked
  const rows = window(height, size, stride, padding)
  const columns = window(width, size, stride, padding)
  const attributes = [
    run.int("size", size),
    run.int("stride", stride),
    run.int("top", rows.before),
    run.int("left", columns.before),
    run.int("height", rows.output),
    run.int("width", columns.output)
  ]
  const [output, from] = run.many("WeftWindowMax", attributes, [input], 2)
  return {
    output: output!, // as many as were asked for
    backward: (dy, wanted) => {
      const sizes = [run.int("height", height), run.int("width", width)]
      const dx = wanted ? run.one("WeftWindowMaxGrad", sizes, dy, from!) : undefined
      from!.dispose()
      return dx
    }
  }
}

/** Whether `quartered` pools so: on a processor, windows of 2 x 2 side by side, all inside the image. */
export const quarters = (run: Runner, { padding, size, stride }: Pool, input: tf.Tensor): boolean =>
  !run.usesGpu &&
  size === 2 &&
  stride === 2 &&
  [1, 2].every((axis) => window(input.shape[axis]!, size, stride, padding).output * 2 <= input.shape[axis]!)

/**
 * The largest value of each window of 2 x 2, with a bias and a rectifier behind it, in one operation of Weft's own, which
 * keeps a byte for each window; of equal values the first gets the gradient, as PyTorch has it. The way back gives the
 * bias's gradient too, and looks at neither input nor output.
 */
export const quartered = (
  run: Runner,
  input: tf.Tensor,
  bias: tf.Tensor | undefined,
  rectifier: typeof Activation.Type | undefined
) => {
  const attributes = [run.int("rectifier", rectifierNumber(rectifier))]
  const [output, which] = run.many("WeftMaxPool", attributes, [input, bias ?? run.nothing], 2)
  const size = [run.int("height", input.shape[1]!), run.int("width", input.shape[2]!)]
  return {
    output: output!, // as many as were asked for
    backward: (gradient: tf.Tensor) => {
      const [dx, sums] = run.many("WeftMaxPoolGrad", size, [gradient, which!], 2)
      which!.dispose()
      return { gradient: dx!, sums: sums! }
    }
  }
}
