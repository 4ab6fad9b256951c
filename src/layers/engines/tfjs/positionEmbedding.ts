import * as tf from "@tensorflow/tfjs-core"
import type { PositionEmbedding } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { Kernel } from "./Pass.ts"

/** y = x + w, with a vector for each place. */
export const positionEmbedding: Kernel<typeof PositionEmbedding.Type> = ({ name }, input, pass) => ({
  output: tf.add(input, named(pass.weights, name)),
  backward: (gradient) => {
    pass.gradients.set(name, tf.sum(gradient, 0, true))
    return gradient
  }
})
