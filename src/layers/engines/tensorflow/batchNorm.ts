import type * as tf from "@tensorflow/tfjs-core"
import type { Activation, BatchNorm } from "../../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { rectifierNumber, rectifiers } from "./rectifiers.ts"
import type { Runner } from "./Runner.ts"

type Rectifier = typeof Activation.Type

interface Source {
  readonly input: tf.Tensor
  /** Whether nothing else looks at the input: it is freed as soon as it is no longer needed. */
  readonly owned: boolean
}

const weightsOf = (block: typeof BatchNorm.Type, pass: Pass): ReadonlyArray<tf.Tensor> =>
  ["weight", "bias", "running_mean", "running_var"].map((part) => weightOf(pass, block, part))

const setRunning = ({ name }: typeof BatchNorm.Type, pass: Pass, mean: tf.Tensor, variance: tf.Tensor): void => {
  pass.running.set(`${name}.running_mean`, mean)
  pass.running.set(`${name}.running_var`, variance)
}

const setGradients = ({ name }: typeof BatchNorm.Type, pass: Pass, weight: tf.Tensor, bias: tf.Tensor): void => {
  pass.gradients.set(`${name}.weight`, weight)
  pass.gradients.set(`${name}.bias`, bias)
}

/** By TensorFlow's own operations: in inference, and on a GPU. */
const fused = (
  run: Runner,
  block: typeof BatchNorm.Type,
  rectifier: Rectifier | undefined,
  { input }: Source,
  pass: Pass
): Applied => {
  const { batchFigures } = pass
  const isFlat = input.shape.length === 2
  const images = (x: tf.Tensor) => (isFlat ? run.reshape(x, [x.shape[0]!, 1, 1, x.shape[1]!]) : x)
  const rows = (x: tf.Tensor) => (isFlat ? run.reshape(x, input.shape) : x)
  const attributes = [
    run.float,
    run.type("U", run.types.float),
    run.number("epsilon", block.eps),
    run.text("data_format", "NHWC"),
    run.bool("is_training", batchFigures)
  ]
  const factor = run.number("exponential_avg_factor", batchFigures ? block.momentum : 1)
  const x = images(input)
  const [weight, bias, ...running] = weightsOf(block, pass)
  const made = run.many("FusedBatchNormV3", [...attributes, factor], [x, weight!, bias!, ...running], 6)
  const [normal, mean, variance, ...reserved] = made as [tf.Tensor, tf.Tensor, tf.Tensor] // as many as were asked for
  if (batchFigures) setRunning(block, pass, mean, variance)
  // What it reserves is of the batch: the way back by the running figures takes these. Source: TensorFlow's nn_grad.py.
  const figures = batchFigures ? reserved : [...running, ...reserved.slice(2)]
  const cut = rectifier === undefined ? normal : run.one(rectifiers[rectifier.kind].forward, [run.float], normal)
  if (cut !== normal) normal.dispose()
  const output = rows(cut)
  return {
    output,
    backward: (gradient, wanted) => {
      const dy =
        rectifier === undefined ? gradient : run.one(rectifiers[rectifier.kind].backward, [run.float], gradient, output)
      const inputs = [images(dy), x, weight!, ...figures]
      const [dx, scale, offset] = run.many("FusedBatchNormGradV3", attributes, inputs, 5)
      setGradients(block, pass, scale!, offset!)
      if (dy !== gradient) dy.dispose()
      return wanted ? rows(dx!) : undefined
    }
  }
}

/** By Weft's own operations, which go through memory half as often: in training, on a processor. */
const own = (
  run: Runner,
  block: typeof BatchNorm.Type,
  rectifier: Rectifier | undefined,
  { input, owned }: Source,
  pass: Pass
): Applied => {
  const cuts = run.int("rectifier", rectifierNumber(rectifier))
  const attributes = [run.number("epsilon", block.eps), run.number("momentum", block.momentum), cuts]
  const weights = weightsOf(block, pass)
  const made = run.many("WeftBatchNorm", attributes, [input, ...weights], 5)
  const [output, mean, variance, ...figures] = made as [tf.Tensor, tf.Tensor, tf.Tensor] // as many as were asked for
  setRunning(block, pass, mean, variance)
  return {
    output,
    backward: (gradient, wanted) => {
      const inputs = [gradient, input, output, weights[0]!, ...figures]
      const [dx, scale, offset] = run.many("WeftBatchNormGrad", [cuts], inputs, 3)
      setGradients(block, pass, scale!, offset!)
      if (owned) input.dispose()
      return wanted ? dx : undefined
    }
  }
}

/** See the block; with the rectifier that follows it. Over images or rows. */
export const batchNorm = (
  run: Runner,
  block: typeof BatchNorm.Type,
  rectifier: Rectifier | undefined,
  source: Source,
  pass: Pass
): Applied => (pass.batchFigures && !run.usesGpu ? own : fused)(run, block, rectifier, source, pass)
