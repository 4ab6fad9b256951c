import type * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm, Block, Clamp, Conv2d, Residual } from "../../../model/Block.ts"
import { applyAll } from "../tfjs/apply.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { inputGradient } from "../tfjs/Pass.ts"
import { activationNumber } from "./activation.ts"
import { setGradients, setRunning, weightsOf } from "./batchNorm.ts"
import type { Convolved } from "./conv2d.ts"
import { conv2d } from "./conv2d.ts"
import { folded, isFolded } from "./inference.ts"
import type { Runner } from "./Runner.ts"

/** How a residual of a ResNet, or an inverted one, ends. */
export interface NormalisedEnd {
  readonly before: ReadonlyArray<Block>
  readonly convolution: typeof Conv2d.Type
  readonly norm: typeof BatchNorm.Type
}

export const normalisedEnd = ({ blocks }: Residual): NormalisedEnd | undefined => {
  const [convolution, norm] = blocks.slice(-2)
  if (convolution?._tag !== "Conv2d" || convolution.bias || norm?._tag !== "BatchNorm") return undefined
  return { before: blocks.slice(0, -2), convolution, norm }
}

/** Whether the end is computed by the operations below: on a processor, but not in training by the running statistics. */
export const endsTogether = (run: Runner, { convolution }: NormalisedEnd, pass: Pass): boolean =>
  isFolded(run, convolution, pass) || (!run.usesGpu && pass.batchStatistics)

/** The batch norm of a convolution's output, which nothing else looks at, the shortcut's output added, and the activation. */
const normaliseAndAdd = (
  run: Runner,
  norm: typeof BatchNorm.Type,
  activation: Clamp | undefined,
  { output: input, statistics: known }: Convolved,
  shortcut: tf.Tensor,
  pass: Pass
) => {
  const activated = run.int("activation", activationNumber(activation))
  const attributes = [run.number("epsilon", norm.eps), run.number("momentum", norm.momentum), activated]
  const [weight, bias, ...running] = weightsOf(norm, pass)
  const inputs = [input, weight, bias, ...running, shortcut, known ?? run.nothing]
  const [output, mean, variance, ...statistics] = run.many("WeftBatchNormAdd", attributes, inputs, 5)
  setRunning(norm, pass, mean, variance)
  return {
    output,
    backward: (gradient: tf.Tensor): readonly [ofInput: tf.Tensor, ofShortcut: tf.Tensor] => {
      if (activation === undefined) {
        const inputs = [gradient, input, weight, bias, ...statistics]
        const [dx, scale, offset] = run.many("WeftBatchNormGrad", [activated], inputs, 3)
        setGradients(norm, pass, scale, offset)
        input.dispose()
        return [dx, gradient]
      }
      const inputs = [gradient, input, output, weight, ...statistics]
      const [before, scale, offset] = run.many("WeftBatchNormAddGrad", [activated], inputs, 3)
      setGradients(norm, pass, scale, offset)
      return [input, before] // its own gradient is in the input now
    }
  }
}

/** s(x) + norm(conv(f(x))) and an activation: what follows the convolution is one operation of Weft's own, each way. */
export const normalisedResidual = (
  run: Runner,
  { shortcut = [] }: Residual,
  { before, convolution, norm }: NormalisedEnd,
  activation: Clamp | undefined,
  input: tf.Tensor,
  pass: Pass
): Applied => {
  const beside = applyAll(shortcut, input, pass)
  if (isFolded(run, convolution, pass)) {
    const inner = applyAll(before, input, pass)
    const end = folded(run, convolution, norm, activation, inner.output, pass, beside.output)
    for (const { output } of [inner, beside]) if (output !== input) output.dispose()
    return end
  }
  const inner = applyAll(before, input, pass)
  const convolved = conv2d(run, undefined, undefined)(convolution, inner.output, pass)
  const end = normaliseAndAdd(run, norm, activation, convolved, beside.output, pass)
  if (beside.output !== input) beside.output.dispose()
  return {
    output: end.output,
    backward: (gradient, wanted) => {
      const [dz, direct] = end.backward(gradient)
      const between = inputGradient(convolved, dz)
      dz.dispose()
      if (inner.output !== input) inner.output.dispose()
      const through = inner.backward(between, wanted)
      if (between !== through) between.dispose()
      const other = beside.backward(direct, wanted)
      if (direct !== gradient && direct !== other) direct.dispose()
      if (through === undefined || other === undefined) return undefined
      // It comes from a convolution's gradient: nobody else knows it.
      run.raw("WeftAddTo", [], [through, other], 0)
      if (other !== gradient) other.dispose()
      return through
    }
  }
}
