import type * as tf from "@tensorflow/tfjs-core"
import { hasWeights } from "../../../model/Block.ts"
import type { Block } from "../../../model/Block.ts"
import type { Applied, Kernel } from "./Pass.ts"

/**
 * Applies blocks one after the other; the backward pass goes through them in reverse, and no further than the first
 * with weights unless the input's gradient is wanted.
 */
export const applyAll: Kernel<ReadonlyArray<Block>> = (blocks, input, pass) => {
  let output = input
  let weights = false
  const backwards: Array<{ readonly backward: Applied["backward"]; readonly needed: boolean }> = []
  let rest = blocks
  for (let block = rest[0]; block !== undefined; block = rest[0]) {
    const { apply, length } = pass.fusedAt(block, rest.slice(1))
    const applied = apply(output, pass)
    output = applied.output
    backwards.push({ backward: applied.backward, needed: weights })
    weights ||= rest.slice(0, length).some(hasWeights)
    rest = rest.slice(length)
  }
  return {
    output,
    backward: (gradient, wanted) =>
      backwards.reduceRight<tf.Tensor | undefined>((g, { backward, needed }) => {
        if (g === undefined) return undefined
        const next = backward(g, wanted || needed)
        if (g !== gradient && g !== next) g.dispose() // the largest tensors: they need not wait for the step's end
        return next
      }, gradient)
  }
}
