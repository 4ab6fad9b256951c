import type { Block } from "../../../model/Block.ts"
import { activation } from "./activation.ts"
import { adaptiveAveragePool } from "./adaptiveAveragePool.ts"
import { attention } from "./attention.ts"
import { batchNorm } from "./batchNorm.ts"
import { classToken } from "./classToken.ts"
import { conv2d } from "./conv2d.ts"
import { dense } from "./dense.ts"
import { depthwiseConv2d } from "./depthwiseConv2d.ts"
import { dropout } from "./dropout.ts"
import { firstToken } from "./firstToken.ts"
import { flatten } from "./flatten.ts"
import { gate } from "./gate.ts"
import { globalAveragePool } from "./globalAveragePool.ts"
import { heads } from "./heads.ts"
import { layerNorm } from "./layerNorm.ts"
import { layerScale } from "./layerScale.ts"
import { maxPool } from "./maxPool.ts"
import type { Applied, Kernel } from "./Pass.ts"
import { positionEmbedding } from "./positionEmbedding.ts"
import { residual } from "./residual.ts"
import { stochasticDepth } from "./stochasticDepth.ts"
import { tokens } from "./tokens.ts"
import { notOfEngines } from "../../../model/shapes.ts"

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
      return residual(applyAll)(block, input, pass)
    case "Heads":
      return heads(applyAll)(block, input, pass)
    case "StochasticDepth":
      return stochasticDepth(block, input, pass)
    case "LayerNorm":
      return layerNorm(block, input, pass)
    case "LayerScale":
      return layerScale(block, input, pass)
    case "Tokens":
      return tokens(block, input, pass)
    case "ClassToken":
      return classToken(block, input, pass)
    case "PositionEmbedding":
      return positionEmbedding(block, input, pass)
    case "Attention":
      return attention(block, input, pass)
    case "FirstToken":
      return firstToken(block, input, pass)
    case "Gate":
      return gate(applyAll)(block, input, pass)
    case "Onnx":
      throw notOfEngines()
  }
}

/** Applies blocks one after the other; the backward pass goes through them in reverse. */
export const applyAll: Kernel<ReadonlyArray<Block>> = (blocks, input, pass) => {
  let output = input
  const backwards: Array<Applied["backward"]> = []
  for (const block of blocks) {
    const applied = apply(block, output, pass)
    output = applied.output
    if (pass.training) backwards.push(applied.backward) // in inference the values between the blocks are let go
  }
  return { output, backward: (gradient) => backwards.reduceRight((g, backward) => backward(g), gradient) }
}
