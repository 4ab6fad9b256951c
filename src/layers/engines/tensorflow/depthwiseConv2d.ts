import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { channelsOf } from "../tfjs/shape.ts"
import type { Runner } from "./Runner.ts"
import type { RunWindow } from "./window.ts"
import { runWindowOf } from "./window.ts"

/** Whether every pixel is in the middle of a kernel that moves by single pixels: then the backward pass is one forward. */
const isCentred = (run: Runner, { attributes, window }: RunWindow): boolean =>
  !run.usesGpu &&
  window.stride === 1 &&
  window.kernelHeight % 2 === 1 &&
  window.kernelWidth % 2 === 1 &&
  attributes.some(({ name, value }) => name === "padding" && value === "SAME")

/** The gradient of the input. */
const inputGradient = (run: Runner, on: RunWindow, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor => {
  if (!isCentred(run, on))
    return run.one("DepthwiseConv2dNativeBackpropInput", on.attributes, run.ints(...on.shape), filter, dy)
  const attributes = [run.float, run.type("Tidx", run.types.int)]
  const rotated = run.one("ReverseV2", attributes, filter, run.ints(0, 1))
  return run.one("DepthwiseConv2dNative", on.attributes, dy, rotated)
}

type FilterShape = readonly [height: number, width: number, channels: number, filters: 1]

/**
 * The gradient of the filter. On a processor and for 3 x 3 pixels it is an operation of Weft's own, which takes channels
 * in sixteens.
 */
const filterGradient = (run: Runner, on: RunWindow, shape: FilterShape, input: tf.Tensor, dy: tf.Tensor) => {
  const { kernelHeight, kernelWidth, left, stride, top } = on.window
  const [, , channels] = shape
  if (run.usesGpu || kernelHeight !== 3 || kernelWidth !== 3 || channels % 16 !== 0)
    return run.one("DepthwiseConv2dNativeBackpropFilter", on.attributes, input, run.ints(...shape), dy)
  const attributes = [run.int("stride", stride), run.int("top", top), run.int("left", left)]
  return run.one("WeftDepthwiseFilterGrad", attributes, input, dy)
}

/** A convolution of each channel by itself, with what follows it. */
export const depthwiseConv2d =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof DepthwiseConv2d.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight") // height, width, 1, channels
    const shape = [...block.kernel, channelsOf(weight), 1] as const
    const filter = run.reshape(weight, shape)
    const on = runWindowOf(run, block, input)
    const plain = run.one("DepthwiseConv2dNative", on.attributes, input, filter)
    const finished = finish(run, block, activation, { input: plain, keep: false }, pass)
    return {
      output: finished.output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(gradient)
        const change = filterGradient(run, on, shape, input, dy)
        pass.gradients.set(`${block.name}.weight`, run.reshape(change, weight.shape))
        const dx = wanted ? inputGradient(run, on, filter, dy) : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }
