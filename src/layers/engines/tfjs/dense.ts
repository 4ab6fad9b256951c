import * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Dense } from "../../../model/Block.ts"
import { linearGradient } from "./activation.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** x W + b, with the activation that follows it. */
export const dense =
  (operators: BlockOperators, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const output = tf.fused.matMul({
      a: input,
      b: weight,
      activation: activation?.kind ?? "linear",
      ...(block.bias ? { bias: weightOf(pass, block, "bias") } : {})
    })
    return {
      output,
      backward: (gradient, wanted) => {
        const dy = linearGradient(operators, block, activation, output, gradient, pass)
        pass.gradients.set(`${block.name}.weight`, tf.matMul(input, dy, true, false))
        return wanted ? tf.matMul(dy, weight, false, true) : undefined
      }
    }
  }
