import type * as tf from "@tensorflow/tfjs-core"
import type { Conv2d } from "../../../model/Block.ts"
import { window } from "../../../model/shapes.ts"
import type { Attribute } from "./Binding.ts"
import type { Runner } from "./Runner.ts"

type Four = readonly [number, number, number, number]

/** How a kernel slides over an input: what TensorFlow's operations on convolutions take. */
export interface Slide {
  readonly shape: Four
  readonly kernel: readonly [number, number]
  readonly stride: number
  readonly padded: boolean
  /** Pixels of padding above and to the left. */
  readonly before: readonly [number, number]
  readonly attributes: ReadonlyArray<Attribute>
}

/** How a block's kernel slides over an input. */
export const slideOf = (
  run: Runner,
  { shape }: tf.Tensor,
  { kernel, padding, stride }: Pick<typeof Conv2d.Type, "kernel" | "padding" | "stride">
): Slide => {
  const sides = (by: typeof padding) =>
    [window(shape[1]!, kernel[0], stride, by), window(shape[2]!, kernel[1], stride, by)] as const
  const around = (by: typeof padding) => [0, 0, ...sides(by).flatMap(({ after, before }) => [before, after]), 0, 0]
  const [high, wide] = sides(padding)
  const wanted = around(padding)
  const padded = wanted.some((pixels) => pixels !== 0)
  // The names are known to more kernels than the numbers are.
  const named = !padded ? "VALID" : `${around("same")}` === `${wanted}` ? "SAME" : undefined
  const how =
    named === undefined
      ? [run.text("padding", "EXPLICIT"), run.int("explicit_paddings", wanted)]
      : [run.text("padding", named)]
  return {
    shape: shape as unknown as Four, // a convolution's input was checked
    kernel,
    stride,
    padded,
    before: [high.before, wide.before],
    attributes: [run.float, run.int("strides", [1, stride, stride, 1]), run.text("data_format", "NHWC"), ...how]
  }
}
