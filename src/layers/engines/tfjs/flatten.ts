import * as tf from "@tensorflow/tfjs-core"
import type { Flatten } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** Images as rows, channel by channel: the order in which PyTorch flattens. Tokens are in this order already. */
export const flatten: Kernel<typeof Flatten.Type> = (_block, input) => {
  const [count] = input.shape
  if (input.shape.length === 3 && count !== undefined)
    return {
      output: tf.reshape(input, [count, input.size / count]),
      backward: (gradient, wanted) => (wanted ? tf.reshape(gradient, input.shape) : undefined)
    }
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  return {
    output: tf.reshape(tf.transpose(input, [0, 3, 1, 2]), [size, channels * height * width]),
    backward: (gradient, wanted) =>
      wanted ? tf.transpose(tf.reshape(gradient, [size, channels, height, width]), [0, 2, 3, 1]) : undefined
  }
}
