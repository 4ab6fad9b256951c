import * as tf from "@tensorflow/tfjs-core"
import type { LayerNorm } from "../../../model/Block.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** See the block. */
export const layerNorm =
  ({ channelSums }: Pick<BlockOperators, "channelSums">): Kernel<typeof LayerNorm.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    // What the backward pass does not look at is freed: a tensor as large as the input is much.
    const [normal, scale, output] = tf.tidy((): [tf.Tensor, tf.Tensor, tf.Tensor] => {
      const centred = tf.sub(input, tf.mean(input, -1, true))
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), block.eps))
      const normal = tf.mul(centred, scale)
      return [normal, scale, tf.add(tf.mul(normal, weight), weightOf(pass, block, "bias"))]
    })
    return {
      output,
      backward: (dy, wanted) => {
        pass.gradients.set(`${block.name}.bias`, channelSums(dy))
        pass.gradients.set(`${block.name}.weight`, channelSums(tf.mul(dy, normal)))
        if (!wanted) return undefined
        const gradient = tf.mul(dy, weight)
        // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
        const along = tf.mul(normal, tf.mean(tf.mul(gradient, normal), -1, true))
        return tf.mul(tf.sub(tf.sub(gradient, tf.mean(gradient, -1, true)), along), scale)
      }
    }
  }
