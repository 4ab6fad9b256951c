import * as tf from "@tensorflow/tfjs-core"
import type { Gate } from "../../../model/Block.ts"
import { applyAll } from "./apply.ts"
import type { Kernel } from "./Pass.ts"

/**
 * x f(x), f(x) being as large as x or one pixel for all: the gradient goes through both factors, and the two are added.
 */
export const gate: Kernel<Gate> = ({ blocks }, input, pass) => {
  const inner = applyAll(blocks, input, pass)
  const factors = inner.output
  const isPixel = factors.size < input.size
  return {
    output: tf.mul(input, factors),
    backward: (gradient, wanted) => {
      const product = tf.mul(gradient, input)
      const through = inner.backward(isPixel ? tf.sum(product, [1, 2], true) : product, wanted)
      return wanted && through !== undefined ? tf.add(tf.mul(gradient, factors), through) : undefined
    }
  }
}
