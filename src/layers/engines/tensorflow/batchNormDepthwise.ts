import type * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import type { OwnActivation } from "./activation.ts"
import { activationNumber } from "./activation.ts"
import { setGradients, setRunning, weightsOf } from "./batchNorm.ts"
import type { Convolved } from "./conv2d.ts"
import { filterOf, isOwn } from "./depthwiseConv2d.ts"
import type { Runner } from "./Runner.ts"
import { runWindowOf } from "./window.ts"

/** Whether a batch norm in front of a depthwise convolution and the convolution are one: in training, on a processor. */
export const isTogether = (
  run: Runner,
  block: typeof DepthwiseConv2d.Type,
  input: tf.Tensor,
  { batchStatistics }: Pass
): boolean => {
  const { window } = runWindowOf(run, block, input)
  return batchStatistics && !block.bias && isOwn(run, window) && window.kernelHeight < 7
}

/**
 * A batch norm behind a convolution, its activation and the depthwise convolution behind them: the activations are never in
 * memory as a whole. The backward pass goes through the first convolution too, whose output is freed: nothing else may look
 * at it.
 */
export const batchNormDepthwise = (
  run: Runner,
  norm: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  block: typeof DepthwiseConv2d.Type,
  convolved: Convolved,
  pass: Pass
): Applied => {
  const { finishing, output: input, statistics: known } = convolved
  const { kernelHeight, left, outHeight, outWidth, stride, top } = runWindowOf(run, block, input).window
  const how = { kernel: kernelHeight, stride, top, left, height: outHeight, width: outWidth }
  const settings = Object.entries({ ...how, activation: activationNumber(activation) })
  const attributes = settings.map(([name, value]) => run.int(name, value))
  const [weight, bias, ...running] = weightsOf(norm, pass)
  const kernel = weightOf(pass, block, "weight")
  const { filter } = filterOf(run, block, kernel)
  const [output, mean, variance, ...statistics] = run.many(
    "WeftBatchNormDepthwise",
    [run.number("epsilon", norm.eps), run.number("momentum", norm.momentum), ...attributes],
    [input, weight, bias, ...running, filter, known ?? run.nothing],
    5
  )
  setRunning(norm, pass, mean, variance)
  return {
    output,
    backward: (gradient, wanted) => {
      const inputs = [gradient, input, weight, bias, ...statistics, filter]
      const finish = run.int("finish", finishing === undefined ? 1 : 0)
      const made = run.many("WeftBatchNormDepthwiseGrad", [...attributes, finish], inputs, 5)
      const [between, scale, offset, change, terms] = made
      setGradients(norm, pass, scale, offset)
      pass.gradients.set(`${block.name}.weight`, run.reshape(change, kernel.shape))
      const dx = finishing === undefined ? convolved.backward(between, wanted) : finishing(between, terms, wanted)
      for (const tensor of [input, between, terms]) tensor.dispose()
      return dx
    }
  }
}
