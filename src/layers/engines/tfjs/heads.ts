import * as tf from "@tensorflow/tfjs-core"
import type { Heads } from "../../../model/Block.ts"
import { applyAll } from "./apply.ts"
import type { Kernel } from "./Pass.ts"
import { channelsOf } from "./shape.ts"

/** [f1(x), f2(x), …]: each head gets its columns of the gradient, and the gradients of the input are added. */
export const heads: Kernel<Heads> = (block, input, pass) => {
  const applied = block.heads.map(({ blocks }) => applyAll(blocks, input, pass))
  const outputs = applied.map(({ output }) => output)
  return {
    output: tf.concat(outputs, 1),
    backward: (gradient, wanted) => {
      const gradients = tf
        .split(gradient, outputs.map(channelsOf), 1)
        .flatMap((own, k) => applied[k]?.backward(own, wanted) ?? [])
      return wanted ? tf.addN(gradients) : undefined
    }
  }
}
