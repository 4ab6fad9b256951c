import type * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm, Clamp } from "../../../model/Block.ts"
import { isClamp } from "../../../model/Block.ts"
import { smoothActivation } from "../tfjs/activation.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { inputGradient, weightOf } from "../tfjs/Pass.ts"
import type { OwnActivation } from "./activation.ts"
import { activationNumber, activationOps } from "./activation.ts"
import { channelsOf } from "../tfjs/shape.ts"
import type { Runner } from "./Runner.ts"

interface Source {
  readonly input: tf.Tensor
  /** Whether nothing else looks at the input: it is freed as soon as it is no longer needed. */
  readonly owned: boolean
  /** The input's statistics, where what made it gives them; see native/pointwise.h. */
  readonly statistics?: tf.Tensor | undefined
}

/** Weight, bias, running mean and running variance. */
export const weightsOf = (block: typeof BatchNorm.Type, pass: Pass) => {
  const part = (name: string): tf.Tensor => weightOf(pass, block, name)
  return [part("weight"), part("bias"), part("running_mean"), part("running_var")] as const
}

/** Keeps the running statistics after a step. */
export const setRunning = ({ name }: typeof BatchNorm.Type, pass: Pass, mean: tf.Tensor, variance: tf.Tensor): void => {
  pass.running.set(`${name}.running_mean`, mean)
  pass.running.set(`${name}.running_var`, variance)
}

/** Keeps the gradients of weight and bias. */
export const setGradients = ({ name }: typeof BatchNorm.Type, pass: Pass, weight: tf.Tensor, bias: tf.Tensor): void => {
  pass.gradients.set(`${name}.weight`, weight)
  pass.gradients.set(`${name}.bias`, bias)
}

/** By TensorFlow's own operations: in inference, and on a GPU. */
const fused = (
  run: Runner,
  block: typeof BatchNorm.Type,
  activation: Clamp | undefined,
  { input }: Source,
  pass: Pass
): Applied => {
  const { batchStatistics } = pass
  const isFlat = input.shape.length === 2
  const images = (x: tf.Tensor) => (isFlat ? run.reshape(x, [x.size / channelsOf(x), 1, 1, channelsOf(x)]) : x)
  const rows = (x: tf.Tensor) => (isFlat ? run.reshape(x, input.shape) : x)
  const attributes = [
    run.float,
    run.type("U", run.types.float),
    run.number("epsilon", block.eps),
    run.text("data_format", "NHWC"),
    run.bool("is_training", batchStatistics)
  ]
  const factor = run.number("exponential_avg_factor", batchStatistics ? block.momentum : 1)
  const x = images(input)
  const [weight, bias, ...running] = weightsOf(block, pass)
  const inputs = [x, weight, bias, ...running]
  const [normal, mean, variance, ...reserved] = run.many("FusedBatchNormV3", [...attributes, factor], inputs, 6)
  if (batchStatistics) setRunning(block, pass, mean, variance)
  // What it reserves is of the batch: the backward pass by the running statistics takes these. Source: TensorFlow's nn_grad.py.
  const statistics = batchStatistics ? reserved : [...running, ...reserved.slice(2)]
  const active =
    activation === undefined ? normal : run.one(activationOps[activation.kind].forward, [run.float], normal)
  if (active !== normal) normal.dispose()
  const output = rows(active)
  return {
    output,
    backward: (gradient, wanted) => {
      const dy =
        activation === undefined
          ? gradient
          : run.one(activationOps[activation.kind].backward, [run.float], gradient, output)
      const inputs = [images(dy), x, weight, ...statistics]
      const [dx, scale, offset] = run.many("FusedBatchNormGradV3", attributes, inputs, 5)
      setGradients(block, pass, scale, offset)
      if (dy !== gradient) dy.dispose()
      return wanted ? rows(dx) : undefined
    }
  }
}

/** The same, with an activation behind it that TensorFlow has no single operation for. */
const unfused = (
  run: Runner,
  block: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  source: Source,
  pass: Pass
): Applied => {
  if (activation === undefined || isClamp(activation)) return fused(run, block, activation, source, pass)
  const normal = fused(run, block, undefined, source, pass)
  const { kind } = activation
  if (kind === "relu" || kind === "relu6") throw new Error(`${kind} clamps`) // and was just seen to be none that does
  const active = smoothActivation(kind, normal.output)
  return {
    output: active.output,
    backward: (gradient, wanted) => normal.backward(inputGradient(active, gradient), wanted)
  }
}

/** By Weft's own operations, which go through memory half as often: in training, on a processor. */
const own = (
  run: Runner,
  block: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  { input, owned, statistics: known }: Source,
  pass: Pass
): Applied => {
  const activated = run.int("activation", activationNumber(activation))
  const attributes = [run.number("epsilon", block.eps), run.number("momentum", block.momentum), activated]
  const [weight, bias, ...running] = weightsOf(block, pass)
  const inputs = [input, weight, bias, ...running, known ?? run.nothing]
  const [output, mean, variance, ...statistics] = run.many("WeftBatchNorm", attributes, inputs, 5)
  setRunning(block, pass, mean, variance)
  return {
    output,
    backward: (gradient, wanted) => {
      const inputs = [gradient, input, weight, bias, ...statistics]
      const [dx, scale, offset] = run.many("WeftBatchNormGrad", [activated], inputs, 3)
      setGradients(block, pass, scale, offset)
      if (owned) input.dispose()
      return wanted ? dx : undefined
    }
  }
}

/** See the block; with the activation that follows it. Over images or rows. */
export const batchNorm = (
  run: Runner,
  block: typeof BatchNorm.Type,
  activation: OwnActivation | undefined,
  source: Source,
  pass: Pass
): Applied => (pass.batchStatistics && !run.usesGpu ? own : unfused)(run, block, activation, source, pass)
