import * as tf from "@tensorflow/tfjs-core"
import type { Activation, BatchNorm } from "../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { rectifiers } from "./rectifiers.ts"
import type { Runner } from "./Runner.ts"

type Rectifier = typeof Activation.Type

/** What a batch norm leaves for its way back: the operation's own inputs, in its order, without the gradient. */
interface Normalised {
  readonly output: tf.Tensor
  readonly kept: ReadonlyArray<tf.Tensor>
}

const attributesOf = (run: Runner, eps: number, training: boolean) => [
  run.float,
  run.type("U", run.types.float),
  run.number("epsilon", eps),
  run.text("data_format", "NHWC"),
  run.bool("is_training", training)
]

/** TensorFlow's own operation: in inference, and wherever the other is not faster. */
const fused = (run: Runner, block: typeof BatchNorm.Type, x: tf.Tensor, pass: Pass): Normalised => {
  const { eps, momentum, name } = block
  const weight = weightOf(pass, block, "weight")
  const [output, mean, variance, ...reserved] = run.many(
    "FusedBatchNormV3",
    [
      ...attributesOf(run, eps, pass.batchFigures),
      run.number("exponential_avg_factor", pass.batchFigures ? momentum : 1)
    ],
    [
      x,
      weight,
      weightOf(pass, block, "bias"),
      weightOf(pass, block, "running_mean"),
      weightOf(pass, block, "running_var")
    ],
    6
  )
  if (pass.batchFigures) {
    pass.running.set(`${name}.running_mean`, mean!) // as many as were asked for
    pass.running.set(`${name}.running_var`, variance!)
  }
  if (pass.batchFigures) return { output: output!, kept: [x, weight, ...reserved] }
  // What it reserves is of the batch: the way back by the running figures takes these. Source: TensorFlow's nn_grad.py.
  const running = [weightOf(pass, block, "running_mean"), weightOf(pass, block, "running_var")]
  return { output: output!, kept: [x, weight, ...running, ...reserved.slice(2)] }
}

/**
 * By oneDNN's convolutions of single pixels, which scale and shift a channel in one go: two thirds of the time that
 * TensorFlow's own operation takes. In training only. The variance is that of centred numbers, and loses nothing. They
 * could cut as well, and would make 0 of NaN.
 */
const scaled = (run: Runner, block: typeof BatchNorm.Type, x: tf.Tensor, pass: Pass): Normalised => {
  const { eps, momentum, name } = block
  const weight = weightOf(pass, block, "weight")
  const channels = weight.size
  const count = x.size / channels
  const pixels = [
    run.float,
    run.int("strides", [1, 1, 1, 1]),
    run.text("padding", "VALID"),
    run.text("data_format", "NHWC")
  ]
  const filter = [1, 1, channels, 1]
  const mean = tf.div(run.one("BiasAddGrad", [run.float, run.text("data_format", "NHWC")], x), count)
  const centred = run.scaleShift(pixels, x, run.ones(filter), tf.neg(mean))
  const squares = run.one("DepthwiseConv2dNativeBackpropFilter", pixels, centred, run.ints(...filter), centred)
  const variance = tf.div(run.reshape(squares, [channels]), count)
  const scale = run.reshape(tf.mul(weight, tf.rsqrt(tf.add(variance, eps))), filter)
  const output = run.scaleShift(pixels, centred, scale, weightOf(pass, block, "bias"))
  const move = (part: string, to: tf.Tensor, factor: number) =>
    pass.running.set(
      `${name}.${part}`,
      tf.add(tf.mul(weightOf(pass, block, part), 1 - momentum), tf.mul(to, factor * momentum))
    )
  move("running_mean", mean, 1)
  move("running_var", variance, count > 1 ? count / (count - 1) : 1)
  return { output, kept: [centred, weight, tf.zerosLike(mean), variance, variance] }
}

/**
 * See the block; with the rectifier that follows it. Over images or rows. An `owned` input is freed as soon as nothing
 * looks at it.
 */
export const batchNorm = (
  run: Runner,
  block: typeof BatchNorm.Type,
  rectifier: Rectifier | undefined,
  { input, owned }: { readonly input: tf.Tensor; readonly owned: boolean },
  pass: Pass
): Applied => {
  const isFlat = input.shape.length === 2
  const images = (x: tf.Tensor) => (isFlat ? run.reshape(x, [x.shape[0]!, 1, 1, x.shape[1]!]) : x)
  const rows = (x: tf.Tensor) => (isFlat ? run.reshape(x, input.shape) : x)
  const scales = pass.batchFigures && run.scalesAndShifts && !isFlat
  const { kept, output: normal } = scales ? scaled(run, block, input, pass) : fused(run, block, images(input), pass)
  const cut = rectifier === undefined ? normal : run.one(rectifiers[rectifier.kind].forward, [run.float], normal)
  if (cut !== normal) normal.dispose()
  const output = rows(cut)
  if (owned && scales) input.dispose()
  return {
    output,
    backward: (gradient, wanted) => {
      const dy =
        rectifier === undefined ? gradient : run.one(rectifiers[rectifier.kind].backward, [run.float], gradient, output)
      const [x, ...rest] = kept
      const attributes = attributesOf(run, block.eps, pass.batchFigures)
      const [dx, scale, offset] = run.many("FusedBatchNormGradV3", attributes, [images(dy), x!, ...rest], 5)
      pass.gradients.set(`${block.name}.weight`, scale!)
      pass.gradients.set(`${block.name}.bias`, offset!)
      if (dy !== gradient) dy.dispose()
      if (scales) x!.dispose()
      return wanted ? rows(dx!) : undefined
    }
  }
}
