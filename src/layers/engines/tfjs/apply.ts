import * as tf from "@tensorflow/tfjs-core"
import { hasWeights } from "../../../model/Block.ts"
import type { Block } from "../../../model/Block.ts"
import { held } from "./held.ts"
import type { Applied, Kernel, Pass } from "./Pass.ts"

/** Calls `each` with the blocks that are computed together, one after the other, and with what follows them. */
const walk = (
  blocks: ReadonlyArray<Block>,
  { fusedAt }: Pass,
  each: (apply: ReturnType<Pass["fusedAt"]>["apply"], own: ReadonlyArray<Block>) => void
): void => {
  let rest = blocks
  for (let block = rest[0]; block !== undefined; block = rest[0]) {
    const { apply, length } = fusedAt(block, rest.slice(1))
    each(apply, rest.slice(0, length))
    rest = rest.slice(length)
  }
}

/** In inference nothing is looked at twice: what is between two blocks is freed as soon as the second is computed. */
const infer: Kernel<ReadonlyArray<Block>> = (blocks, input, pass) => {
  let output = input
  walk(blocks, pass, (apply) => {
    const before = output
    output = tf.tidy(() => apply(before, pass).output)
    if (before !== input && before !== output) before.dispose()
  })
  const backward = () => {
    throw new Error("inference keeps nothing, and a gradient was asked for")
  }
  return { output, backward }
}

/** A block's backward pass; all that it made is freed but the gradient that it gives, and those of the block's weights. */
const backwardOf = (backward: Applied["backward"], gradient: tf.Tensor, wanted: boolean, pass: Pass) => {
  const before = pass.gradients.size
  const [next] = tf.tidy(() => [backward(gradient, wanted), ...[...pass.gradients.values()].slice(before)])
  return next
}

/**
 * Applies blocks one after the other; the backward pass goes through them in reverse, and no further than the first
 * with weights unless the input's gradient is wanted. What a block made is freed after its backward pass, except for the
 * output of all: nobody else looks at it.
 */
export const applyAll: Kernel<ReadonlyArray<Block>> = (blocks, input, pass) => {
  if (!pass.training) return infer(blocks, input, pass)
  let output = input
  let weights = false
  const all: Array<{
    readonly backward: Applied["backward"]
    readonly made: ReadonlyArray<tf.Tensor>
    readonly needed: boolean
  }> = []
  walk(blocks, pass, (apply, own) => {
    const { made, result } = held(() => apply(output, pass))
    output = result.output
    all.push({ backward: result.backward, made, needed: weights })
    weights ||= own.some(hasWeights)
  })
  return {
    output,
    backward: (gradient, wanted) => {
      // Running statistics are the session's.
      const kept = new Set([output, ...pass.running.values()])
      return all.reduceRight<tf.Tensor | undefined>((g, { backward, made, needed }) => {
        const next = g === undefined ? undefined : backwardOf(backward, g, wanted || needed, pass)
        for (const tensor of made) if (!kept.has(tensor)) tensor.dispose()
        // The largest tensors: they need not wait for the step's end.
        if (g !== gradient && g !== next) g?.dispose()
        return next
      }, gradient)
    }
  }
}
