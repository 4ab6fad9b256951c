import type * as tf from "@tensorflow/tfjs-core"
import type { Activation, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./convolutions.ts"
import type { Runner } from "./Runner.ts"
import type { Slide } from "./slide.ts"
import { slideOf } from "./slide.ts"

/** Whether every pixel is in the middle of a kernel that moves by single pixels: then the way back is one forward. */
const isCentred = (run: Runner, { attributes, kernel, stride }: Slide): boolean =>
  !run.usesGpu &&
  stride === 1 &&
  kernel.every((length) => length % 2 === 1) &&
  attributes.some(({ name, value }) => name === "padding" && value === "SAME")

/** The gradient of the input. */
const inputGradient = (run: Runner, slide: Slide, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor => {
  if (!isCentred(run, slide))
    return run.one("DepthwiseConv2dNativeBackpropInput", slide.attributes, run.ints(...slide.shape), filter, dy)
  const attributes = [run.float, run.type("Tidx", run.types.int)]
  const turned = run.one("ReverseV2", attributes, filter, run.ints(0, 1))
  return run.one("DepthwiseConv2dNative", slide.attributes, dy, turned)
}

/**
 * The gradient of the filter. On a processor and for 3 x 3 pixels it is an operation of Weft's own, which takes channels
 * in sixteens.
 */
const filterGradient = (run: Runner, slide: Slide, shape: ReadonlyArray<number>, input: tf.Tensor, dy: tf.Tensor) => {
  const { before, kernel, stride } = slide
  if (run.usesGpu || kernel[0] !== 3 || kernel[1] !== 3 || shape[2]! % 16 !== 0)
    return run.one("DepthwiseConv2dNativeBackpropFilter", slide.attributes, input, run.ints(...shape), dy)
  const attributes = [run.int("stride", stride), run.int("top", before[0]), run.int("left", before[1])]
  return run.one("WeftDepthwiseFilterGrad", attributes, input, dy)
}

/** A convolution of each channel by itself, with what follows it. */
export const depthwiseConv2d =
  (run: Runner, rectifier: typeof Activation.Type | undefined): Kernel<typeof DepthwiseConv2d.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight") // height, width, 1, channels
    const shape = [...block.kernel, weight.shape[3]!, 1]
    const filter = run.reshape(weight, shape)
    const slide = slideOf(run, input, block)
    const plain = run.one("DepthwiseConv2dNative", slide.attributes, input, filter)
    const finished = finish(run, block, rectifier, { input: plain, keep: false }, pass)
    return {
      output: finished.output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(gradient, true)!
        const change = filterGradient(run, slide, shape, input, dy)
        pass.gradients.set(`${block.name}.weight`, run.reshape(change, weight.shape))
        const dx = wanted ? inputGradient(run, slide, filter, dy) : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }
