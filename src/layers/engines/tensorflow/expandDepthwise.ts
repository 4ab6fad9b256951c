import type * as tf from "@tensorflow/tfjs-core"
import type { Conv2d, DepthwiseConv2d } from "../../../model/Block.ts"
import type { OwnActivation } from "./activation.ts"
import { activationNumber } from "./activation.ts"
import { isOwn } from "./depthwiseConv2d.ts"
import { isPointwise } from "./pointwise.ts"
import type { Runner } from "./Runner.ts"
import { runWindowOf } from "./window.ts"

/** A convolution whose batch norm is in its weights, and the activation behind it. */
interface Folded {
  readonly filter: tf.Tensor
  readonly shift: tf.Tensor
  readonly activation: OwnActivation | undefined
}

/** Deeper pixels than this, and a product of whole matrices is as fast: their weights no longer stay in a processor's cache. */
const deepest = 64

/** Whether a convolution in front of a depthwise one is one of few channels, pixel by pixel, and both can be one. */
export const isExpansion = (
  run: Runner,
  block: typeof Conv2d.Type | typeof DepthwiseConv2d.Type,
  depthwise: typeof DepthwiseConv2d.Type,
  input: tf.Tensor
): boolean =>
  block._tag === "Conv2d" &&
  (input.shape.at(-1) ?? 0) <= deepest &&
  isPointwise(run, runWindowOf(run, block, input).window) &&
  isOwn(run, runWindowOf(run, depthwise, input).window)

/** The two as one operation of Weft's own, in inference, on a processor: what is between them is never in memory as a whole. */
export const expandDepthwise = (
  run: Runner,
  expansion: Folded,
  block: typeof DepthwiseConv2d.Type,
  { activation, filter, shift }: Folded,
  input: tf.Tensor
): tf.Tensor => {
  const { kernelHeight, left, outHeight, outWidth, stride, top } = runWindowOf(run, block, input).window
  const settings = {
    kernel: kernelHeight,
    stride,
    top,
    left,
    height: outHeight,
    width: outWidth,
    expanded: activationNumber(expansion.activation),
    activation: activationNumber(activation)
  }
  const attributes = Object.entries(settings).map(([name, value]) => run.int(name, value))
  return run.one("WeftExpandDepthwise", attributes, input, expansion.filter, expansion.shift, filter, shift)
}
