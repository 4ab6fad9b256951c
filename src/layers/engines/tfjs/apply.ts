import * as tf from "@tensorflow/tfjs-core"
import type { Activation, Block, Residual } from "../../../model/Block.ts"
import { conv2d, depthwiseConv2d, maxPool } from "./convolutions.ts"
import { activation, adaptiveAveragePool, batchNorm, dense, dropout, flatten, globalAveragePool } from "./others.ts"
import type { Piece } from "./Device.ts"
import type { Applied, Kernel } from "./Pass.ts"

/** s(x) + f(x), s being the shortcut or nothing; the gradient goes through both, and the two are added. */
const residual: Kernel<Residual> = ({ blocks, shortcut = [] }, input, pass) => {
  const inner = applyAll(blocks, input, pass)
  const beside = applyAll(shortcut, input, pass)
  return {
    output: tf.add(beside.output, inner.output),
    backward: (gradient, wanted) => {
      const through = inner.backward(gradient, wanted)
      const other = beside.backward(gradient, wanted)
      return through === undefined || other === undefined ? undefined : tf.add(other, through)
    }
  }
}

const apply = (block: Block, rectifier: typeof Activation.Type | undefined): ((...args: Rest) => Applied) => {
  switch (block._tag) {
    case "Conv2d":
      return (...rest) => conv2d(rectifier)(block, ...rest)
    case "Dense":
      return (...rest) => dense(rectifier)(block, ...rest)
    case "DepthwiseConv2d":
      return (...rest) => depthwiseConv2d(block, ...rest)
    case "BatchNorm":
      return (...rest) => batchNorm(block, ...rest)
    case "Activation":
      return (...rest) => activation(block, ...rest)
    case "MaxPool":
      return (...rest) => maxPool(block, ...rest)
    case "GlobalAveragePool":
      return (...rest) => globalAveragePool(block, ...rest)
    case "AdaptiveAveragePool":
      return (...rest) => adaptiveAveragePool(block, ...rest)
    case "Flatten":
      return (...rest) => flatten(block, ...rest)
    case "Dropout":
      return (...rest) => dropout(block, ...rest)
    case "Residual":
      return (...rest) => residual(block, ...rest)
  }
}

type Rest = Kernel<Block> extends (block: Block, ...rest: infer R) => Applied ? R : never

const hasWeights = (block: Block): boolean =>
  block._tag === "Residual"
    ? block.blocks.some(hasWeights) || (block.shortcut ?? []).some(hasWeights)
    : "init" in block || block._tag === "BatchNorm"

/** One block, or a convolution or dense block with the rectifier behind it. */
const pieceAt = (blocks: ReadonlyArray<Block>, at: number): Piece => {
  const block = blocks[at]!
  const next = blocks[at + 1]
  const fuses = (block._tag === "Conv2d" || block._tag === "Dense") && next?._tag === "Activation"
  return { length: fuses ? 2 : 1, apply: apply(block, fuses ? next : undefined) }
}

/**
 * Applies blocks one after the other; the way back goes through them in reverse, and no further than the first with
 * weights unless the input's gradient is wanted. A rectifier is one with the convolution or dense block before it.
 */
export const applyAll: Kernel<ReadonlyArray<Block>> = (blocks, input, pass) => {
  let output = input
  let weights = false
  const backs: Array<{ readonly backward: Applied["backward"]; readonly needed: boolean }> = []
  for (let i = 0; i < blocks.length;) {
    const { apply, length } = pass.pieceAt?.(blocks, i) ?? pieceAt(blocks, i)
    const applied = apply(output, pass)
    output = applied.output
    backs.push({ backward: applied.backward, needed: weights })
    weights ||= blocks.slice(i, i + length).some(hasWeights)
    i += length
  }
  return {
    output,
    backward: (gradient, wanted) =>
      backs.reduceRight<tf.Tensor | undefined>((g, { backward, needed }) => {
        if (g === undefined) return undefined
        const next = backward(g, wanted || needed)
        if (g !== gradient && g !== next) g.dispose() // the largest tensors: they need not wait for the step's end
        return next
      }, gradient)
  }
}
