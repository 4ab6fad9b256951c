import * as tf from "@tensorflow/tfjs-core"
import type { GlobalAveragePool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The mean of each channel over the image. */
export const globalAveragePool: Kernel<typeof GlobalAveragePool.Type> = (_block, input) => {
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  return {
    output: tf.mean(input, [1, 2]),
    backward: (gradient, wanted) =>
      wanted
        ? tf.mul(tf.ones(input.shape), tf.reshape(tf.div(gradient, height * width), [size, 1, 1, channels]))
        : undefined
  }
}
