import * as tf from "@tensorflow/tfjs-core"
import type { Dropout } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** Each value is kept with probability 1 - rate and scaled by 1 / (1 - rate), drawn in the values' order. */
export const dropout: Kernel<typeof Dropout.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  // A tensor may share the memory that it is made of: the mask is not ours alone.
  const mask = tf.tensor(pass.mask(block, input.size).slice(), input.shape)
  return {
    output: tf.mul(input, mask),
    backward: (gradient, wanted) => (wanted ? tf.mul(gradient, mask) : undefined)
  }
}
