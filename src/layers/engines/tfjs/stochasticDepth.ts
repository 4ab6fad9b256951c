import * as tf from "@tensorflow/tfjs-core"
import type { StochasticDepth } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** Each image is kept with probability 1 - rate and scaled by 1 / (1 - rate), drawn in the batch's order. */
export const stochasticDepth: Kernel<typeof StochasticDepth.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  const [size = 0, ...rest] = input.shape
  // A tensor may share the memory that it is made of: the mask is not ours alone.
  const mask = tf.tensor(pass.mask(block, size).slice(), [size, ...rest.map(() => 1)])
  return {
    output: tf.mul(input, mask),
    backward: (gradient, wanted) => (wanted ? tf.mul(gradient, mask) : undefined)
  }
}
