import * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Conv2d } from "../../../model/Block.ts"
import { linearGradient } from "./activation.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"
import { attributesOf, images, padOf, runKernel } from "./window.ts"

/** A convolution with its bias, and with the activation that follows it. */
export const conv2d =
  (operators: BlockOperators, activation: Clamp | undefined): Kernel<typeof Conv2d.Type> =>
  (block, input, pass) => {
    const filter = weightOf<tf.Rank.R4>(pass, block, "weight")
    const attrs = attributesOf(block)
    const output = tf.fused.conv2d({
      x: images(input),
      filter,
      strides: block.stride,
      pad: padOf(block.padding),
      activation: activation?.kind ?? "linear",
      ...(block.bias ? { bias: weightOf(pass, block, "bias") } : {})
    })
    return {
      output,
      backward: (gradient, wanted) => {
        const dy = linearGradient(operators, block, activation, output, gradient, pass)
        const filterShape = filter.shape
        pass.gradients.set(
          `${block.name}.weight`,
          runKernel("Conv2DBackpropFilter", { x: input, dy }, { ...attrs, filterShape })
        )
        const dx = wanted
          ? runKernel("Conv2DBackpropInput", { dy, filter }, { ...attrs, inputShape: input.shape })
          : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }
