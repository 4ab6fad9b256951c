import * as tf from "@tensorflow/tfjs-core"
import type { Activation, Clamp } from "../../../model/Block.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Applied, Kernel, Pass } from "./Pass.ts"
import { smooth } from "./smooth.ts"
import type { Smooth } from "./smooth.ts"

/** An activation that does not clamp, on any backend. */
export const smoothActivation = (kind: Smooth, input: tf.Tensor): Applied => {
  const { before, output } = smooth(kind, input)
  return { output, backward: (gradient, wanted) => (wanted ? before(gradient) : undefined) }
}

/** An activation that is not computed together with the block before it. */
export const activation =
  ({ activationGradient }: BlockOperators): Kernel<typeof Activation.Type> =>
  ({ kind }, input) => {
    if (kind !== "relu" && kind !== "relu6") return smoothActivation(kind, input)
    const output = kind === "relu" ? tf.relu(input) : tf.relu6(input)
    return {
      output,
      backward: (gradient, wanted) => (wanted ? activationGradient(gradient, output, kind).gradient : undefined)
    }
  }

/** The gradient before an activation and a bias; keeps the bias's own. */
export const linearGradient = (
  { activationGradient, channelSums }: BlockOperators,
  block: { readonly name: string; readonly bias: boolean },
  activation: Clamp | undefined,
  output: tf.Tensor,
  gradient: tf.Tensor,
  { gradients }: Pass
): tf.Tensor => {
  const name = `${block.name}.bias`
  if (activation === undefined) {
    if (block.bias) gradients.set(name, channelSums(gradient))
    return gradient
  }
  const before = activationGradient(gradient, output, activation.kind)
  if (block.bias) gradients.set(name, before.sums)
  return before.gradient
}
