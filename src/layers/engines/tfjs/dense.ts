import * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Dense } from "../../../model/Block.ts"
import { linearGradient } from "./activation.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"
import { channelsOf } from "./shape.ts"

/** x W + b, for each row, pixel or token, with the activation that follows it. */
export const dense =
  (operators: BlockOperators, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const a = input.shape.length === 2 ? input : tf.reshape(input, [input.size / channelsOf(input), channelsOf(input)])
    const product = tf.fused.matMul({
      a,
      b: weight,
      activation: activation?.kind ?? "linear",
      ...(block.bias ? { bias: weightOf(pass, block, "bias") } : {})
    })
    const isRows = a === input
    const output = isRows ? product : tf.reshape(product, [...input.shape.slice(0, -1), block.units])
    return {
      output,
      backward: (gradient, wanted) => {
        const changed = linearGradient(operators, block, activation, output, gradient, pass)
        const dy = isRows ? changed : tf.reshape(changed, product.shape)
        pass.gradients.set(`${block.name}.weight`, tf.matMul(a, dy, true, false))
        if (!wanted) return undefined
        const dx = tf.matMul(dy, weight, false, true)
        return isRows ? dx : tf.reshape(dx, input.shape)
      }
    }
  }
