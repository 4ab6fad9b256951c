import * as tf from "@tensorflow/tfjs-core"
import type { ClassToken } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"

/** Puts the class token in front of the input's tokens. */
export const classToken =
  ({ channelSums }: Pick<BlockOperators, "channelSums">): Kernel<typeof ClassToken.Type> =>
  ({ name }, input, pass) => {
    const token = named(pass.weights, name)
    const [size, count, channels] = input.shape as [number, number, number] // the shapes were checked
    return {
      output: tf.concat([tf.tile(token, [size, 1, 1]), input], 1),
      backward: (dy, wanted) => {
        const own = tf.slice(dy, [0, 0, 0], [size, 1, channels])
        pass.gradients.set(name, tf.reshape(channelSums(own), token.shape))
        return wanted ? tf.slice(dy, [0, 1, 0], [size, count, channels]) : undefined
      }
    }
  }
