import type * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm, Conv2d, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import type { OwnActivation } from "./activation.ts"
import { finishInPlace } from "./activation.ts"
import { slideShifted } from "./depthwiseConv2d.ts"
import { isPointwise, pointwise } from "./pointwise.ts"
import type { Runner } from "./Runner.ts"
import { runWindowOf } from "./window.ts"

type Convolution = typeof Conv2d.Type | typeof DepthwiseConv2d.Type

/** Whether a convolution and its batch norm are one: on a processor, where nothing is learned. */
export const isFolded = (run: Runner, { bias }: Convolution, { training }: Pass): boolean =>
  !run.usesGpu && !training && !bias

/**
 * A convolution, its batch norm by the running statistics, and the activation behind them, as one convolution whose
 * weights are those of both: memory is gone through once, and not three times. There is no backward pass.
 */
export const folded = (
  run: Runner,
  block: Convolution,
  norm: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  input: tf.Tensor,
  pass: Pass
): Applied => {
  const statistics = ["weight", "bias", "running_mean", "running_var"].map((part) => weightOf(pass, norm, part))
  const inputs = [weightOf(pass, block, "weight"), ...statistics]
  const [filter, shift] = run.many("WeftFold", [run.number("epsilon", norm.eps)], inputs, 2)
  const backward = () => {
    throw new Error("a convolution was folded, and its gradient was asked for")
  }
  if (block._tag === "DepthwiseConv2d")
    return { output: slideShifted(run, block, input, filter, shift, activation), backward }
  const { attributes, window } = runWindowOf(run, block, input)
  const product = isPointwise(run, window)
    ? pointwise.forward(run, input, filter, false).plain
    : run.one("Conv2D", attributes, input, filter)
  finishInPlace(run, product, shift, activation)
  return { output: product, backward }
}
