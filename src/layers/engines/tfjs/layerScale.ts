import * as tf from "@tensorflow/tfjs-core"
import type { LayerScale } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"

/** y = w x, with a weight a channel. */
export const layerScale =
  ({ channelSums }: Pick<BlockOperators, "channelSums">): Kernel<typeof LayerScale.Type> =>
  ({ name }, input, pass) => {
    const weight = named(pass.weights, name)
    const channels = tf.reshape(weight, [weight.size])
    return {
      output: tf.mul(input, channels),
      backward: (dy, wanted) => {
        pass.gradients.set(name, tf.reshape(channelSums(tf.mul(dy, input)), weight.shape))
        return wanted ? tf.mul(dy, channels) : undefined
      }
    }
  }
