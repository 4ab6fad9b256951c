import type { Block, Residual } from "../../../model/Block.ts"
import type { Tensor } from "../../../model/Tensor.ts"
import { batchNorm } from "./batchNorm.ts"
import { conv2d } from "./conv2d.ts"
import { dense } from "./dense.ts"
import { depthwiseConv2d } from "./depthwiseConv2d.ts"
import { activation, dropout, flatten } from "./elementwise.ts"
import type { Applied, Kernel, Pass } from "./Pass.ts"
import { adaptiveAveragePool, globalAveragePool, maxPool } from "./pooling.ts"

/** s(x) + f(x), s being the shortcut or nothing; the gradient goes through both, and the two are added. */
const residual: Kernel<Residual> = ({ blocks, shortcut = [] }, input, pass) => {
  const inner = applyAll(blocks, input, pass)
  const beside = applyAll(shortcut, input, pass)
  return {
    output: { shape: inner.output.shape, data: inner.output.data.map((y, i) => y + beside.output.data[i]!) },
    backward: (gradient) => {
      const other = beside.backward(gradient)
      return inner.backward(gradient).map((g, i) => g + other[i]!)
    }
  }
}

const apply: Kernel<Block> = (block, input, pass) => {
  switch (block._tag) {
    case "Conv2d":
      return conv2d(block, input, pass)
    case "DepthwiseConv2d":
      return depthwiseConv2d(block, input, pass)
    case "BatchNorm":
      return batchNorm(block, input, pass)
    case "Activation":
      return activation(block, input, pass)
    case "MaxPool":
      return maxPool(block, input, pass)
    case "GlobalAveragePool":
      return globalAveragePool(block, input, pass)
    case "AdaptiveAveragePool":
      return adaptiveAveragePool(block, input, pass)
    case "Flatten":
      return flatten(block, input, pass)
    case "Dense":
      return dense(block, input, pass)
    case "Dropout":
      return dropout(block, input, pass)
    case "Residual":
      return residual(block, input, pass)
  }
}

/** Applies blocks one after the other; the way back goes through them in reverse. */
export const applyAll = (blocks: ReadonlyArray<Block>, input: Tensor, pass: Pass): Applied => {
  let output = input
  const backs: Array<Applied["backward"]> = []
  for (const block of blocks) {
    const applied = apply(block, output, pass)
    output = applied.output
    if (pass.training) backs.push(applied.backward) // in inference the values between the blocks are let go
  }
  return { output, backward: (gradient) => backs.reduceRight((g, back) => back(g), gradient) }
}
