import * as tf from "@tensorflow/tfjs-core"
import type { MaxPool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { images, runKernel } from "./window.ts"

/** The largest value of each window; what is padded is smaller than any number. */
export const maxPool: Kernel<typeof MaxPool.Type> = ({ padding, size, stride }, input) => {
  const output = tf.maxPool(images(input), size, stride, padding)
  const attrs = { strides: [stride, stride], pad: padding, filterSize: [size, size] }
  return {
    output,
    backward: (dy, wanted) => (wanted ? runKernel("MaxPoolGrad", { dy, input, output }, attrs) : undefined)
  }
}
