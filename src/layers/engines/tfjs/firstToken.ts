import * as tf from "@tensorflow/tfjs-core"
import type { FirstToken } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The first token of each image: no other has a gradient. */
export const firstToken: Kernel<typeof FirstToken.Type> = (_block, input) => {
  const [size, count, channels] = input.shape as [number, number, number] // the shapes were checked
  return {
    output: tf.reshape(tf.slice(input, [0, 0, 0], [size, 1, channels]), [size, channels]),
    backward: (gradient, wanted) =>
      wanted
        ? tf.concat([tf.reshape(gradient, [size, 1, channels]), tf.zeros([size, count - 1, channels])], 1)
        : undefined
  }
}
