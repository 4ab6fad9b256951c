import * as tf from "@tensorflow/tfjs-core"
import type { Tokens } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The same numbers, row by row: (N, height, width, channels) as (N, height * width, channels). */
export const tokens: Kernel<typeof Tokens.Type> = (_block, input) => {
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  return {
    output: tf.reshape(input, [size, height * width, channels]),
    backward: (gradient, wanted) => (wanted ? tf.reshape(gradient, input.shape) : undefined)
  }
}
