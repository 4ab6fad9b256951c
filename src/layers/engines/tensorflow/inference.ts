import type * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm, Conv2d, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import type { OwnActivation } from "./activation.ts"
import { finishInPlace } from "./activation.ts"
import { convolve } from "./conv2d.ts"
import { slideShifted } from "./depthwiseConv2d.ts"
import type { Runner } from "./Runner.ts"
import { runWindowOf } from "./window.ts"

type Convolution = typeof Conv2d.Type | typeof DepthwiseConv2d.Type

/** Whether a convolution and its batch norm are one: on a processor, where nothing is learned. */
export const isFolded = (run: Runner, { bias }: Convolution, { training }: Pass): boolean =>
  !run.usesGpu && !training && !bias

/** The weights of a convolution and of its batch norm by the running statistics as one filter, and what is added. */
export const fold = (run: Runner, block: Convolution, norm: typeof BatchNorm.Type, pass: Pass) => {
  const statistics = ["weight", "bias", "running_mean", "running_var"].map((part) => weightOf(pass, norm, part))
  const inputs = [weightOf(pass, block, "weight"), ...statistics]
  const [filter, shift] = run.many("WeftFold", [run.number("epsilon", norm.eps)], inputs, 2)
  return { filter, shift }
}

/** Of what was folded. */
export const noGradient = () => {
  throw new Error("a convolution was folded, and its gradient was asked for")
}

/**
 * A convolution, its batch norm by the running statistics, and the activation behind them, as one convolution whose
 * weights are those of both: memory is gone through once, and not three times. A shortcut's output is added before the
 * activation, if there is one; not behind a depthwise convolution. There is no backward pass.
 */
export const folded = (
  run: Runner,
  block: Convolution,
  norm: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  input: tf.Tensor,
  pass: Pass,
  shortcut?: tf.Tensor
): Applied => {
  const { filter, shift } = fold(run, block, norm, pass)
  const backward = noGradient
  if (block._tag === "DepthwiseConv2d")
    return { output: slideShifted(run, block, input, filter, shift, activation), backward }
  const product = convolve(run, runWindowOf(run, block, input), input, filter, false).plain
  finishInPlace(run, product, shift, activation, shortcut)
  return { output: product, backward }
}
