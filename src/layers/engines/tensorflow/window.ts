import type * as tf from "@tensorflow/tfjs-core"
import type { Sliding, Window } from "../../../model/shapes.ts"
import { windowOf } from "../../../model/shapes.ts"
import type { Attribute } from "./Binding.ts"
import type { Runner } from "./Runner.ts"

type Four = readonly [number, number, number, number]

/** A window, and what TensorFlow's operations on convolutions take of it. */
export interface RunWindow {
  readonly window: Window
  /** Of the input. */
  readonly shape: Four
  readonly attributes: ReadonlyArray<Attribute>
}

const around = ({ bottom, left, right, top }: Window) => [0, 0, top, bottom, left, right, 0, 0]

/** The window of a block on an input. */
export const runWindowOf = (run: Runner, block: Sliding, input: tf.Tensor): RunWindow => {
  const shape = input.shape as unknown as Four // a convolution's input was checked
  const [, height, width] = shape
  const window = windowOf(block, [height, width])
  const wanted = around(window)
  const same = around(windowOf({ ...block, padding: "same" }, [height, width]))
  // The names are known to more kernels than the numbers are.
  const named = wanted.every((pixels) => pixels === 0) ? "VALID" : `${same}` === `${wanted}` ? "SAME" : undefined
  const how =
    named === undefined
      ? [run.text("padding", "EXPLICIT"), run.int("explicit_paddings", wanted)]
      : [run.text("padding", named)]
  const strides = run.int("strides", [1, block.stride, block.stride, 1])
  return { window, shape, attributes: [run.float, strides, run.text("data_format", "NHWC"), ...how] }
}
