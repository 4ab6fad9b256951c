import * as tf from "@tensorflow/tfjs-core"
import type { DepthwiseConv2d } from "../../../model/Block.ts"
import { linearGradient } from "./activation.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"
import { channelsOf } from "./shape.ts"
import { attributesOf, images, padOf, runKernel } from "./window.ts"

/** A convolution of each channel by itself. */
export const depthwiseConv2d =
  (operators: BlockOperators): Kernel<typeof DepthwiseConv2d.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight") // height, width, 1, channels
    const filterShape: [number, number, number, number] = [...block.kernel, channelsOf(weight), 1]
    const filter = tf.reshape(weight, filterShape) as tf.Tensor4D // just given this shape
    const plain = tf.depthwiseConv2d(images(input), filter, block.stride, padOf(block.padding))
    return {
      output: block.bias ? tf.add(plain, weightOf(pass, block, "bias")) : plain,
      backward: (gradient, wanted) => {
        const dy = linearGradient(operators, block, undefined, plain, gradient, pass)
        const attrs = { ...attributesOf(block), dilations: [1, 1] }
        const name = "DepthwiseConv2dNativeBackprop"
        const dw = runKernel(`${name}Filter`, { x: input, dy }, { ...attrs, filterShape })
        pass.gradients.set(`${block.name}.weight`, tf.reshape(dw, weight.shape))
        return wanted ? runKernel(`${name}Input`, { dy, filter }, { ...attrs, inputShape: input.shape }) : undefined
      }
    }
  }
