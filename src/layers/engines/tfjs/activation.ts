import * as tf from "@tensorflow/tfjs-core"
import { isClamp } from "../../../model/Block.ts"
import type { Activation, Clamp } from "../../../model/Block.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel, Pass } from "./Pass.ts"

/** An activation that follows neither a convolution nor a dense block. */
export const activation =
  ({ activationGradient }: BlockOperators): Kernel<typeof Activation.Type> =>
  (block, input) => {
    if (!isClamp(block)) throw new Error(`${block.kind} is not computed yet`)
    const { kind } = block
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
