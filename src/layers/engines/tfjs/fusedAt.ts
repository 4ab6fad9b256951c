import { isClamp } from "../../../model/Block.ts"
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
import type { BlockOperators } from "./Operators.ts"
import type { Fused, FusedAt } from "./Pass.ts"
import { positionEmbedding } from "./positionEmbedding.ts"
import { residual } from "./residual.ts"
import { stochasticDepth } from "./stochasticDepth.ts"
import { tokens } from "./tokens.ts"
import { notOfEngines } from "../../../model/shapes.ts"

/** The blocks that TensorFlow.js's own operations are enough for. */
type Plain = Extract<
  Block,
  {
    readonly _tag:
      | "MaxPool"
      | "GlobalAveragePool"
      | "AdaptiveAveragePool"
      | "Flatten"
      | "Dropout"
      | "Onnx"
      | "StochasticDepth"
      | "Tokens"
      | "PositionEmbedding"
      | "FirstToken"
      | "Residual"
      | "Gate"
      | "Heads"
  }
>

/** A block by TensorFlow.js's own operations, on any backend. */
export const plain = (block: Plain): Fused => {
  const by = (apply: Fused["apply"]): Fused => ({ length: 1, apply })
  switch (block._tag) {
    case "MaxPool":
      return by((...rest) => maxPool(block, ...rest))
    case "GlobalAveragePool":
      return by((...rest) => globalAveragePool(block, ...rest))
    case "AdaptiveAveragePool":
      return by((...rest) => adaptiveAveragePool(block, ...rest))
    case "Flatten":
      return by((...rest) => flatten(block, ...rest))
    case "Dropout":
      return by((...rest) => dropout(block, ...rest))
    case "Residual":
      return by((...rest) => residual(block, ...rest))
    case "Heads":
      return by((...rest) => heads(block, ...rest))
    case "StochasticDepth":
      return by((...rest) => stochasticDepth(block, ...rest))
    case "Tokens":
      return by((...rest) => tokens(block, ...rest))
    case "PositionEmbedding":
      return by((...rest) => positionEmbedding(block, ...rest))
    case "FirstToken":
      return by((...rest) => firstToken(block, ...rest))
    case "Gate":
      return by((...rest) => gate(block, ...rest))
    case "Onnx":
      throw notOfEngines()
  }
}

/** The blocks that need sums by channel, beside those that need nothing. */
type Summed = Extract<Block, { readonly _tag: "LayerNorm" | "LayerScale" | "ClassToken" | "Attention" }>

/** A block by TensorFlow.js's own operations and sums by channel, on any backend. */
export const summed = (operators: Pick<BlockOperators, "channelSums">, block: Plain | Summed): Fused => {
  const by = (apply: Fused["apply"]): Fused => ({ length: 1, apply })
  switch (block._tag) {
    case "LayerNorm":
      return by((...rest) => layerNorm(operators)(block, ...rest))
    case "LayerScale":
      return by((...rest) => layerScale(operators)(block, ...rest))
    case "ClassToken":
      return by((...rest) => classToken(operators)(block, ...rest))
    case "Attention":
      return by((...rest) => attention(operators)(block, ...rest))
    default:
      return plain(block)
  }
}

/** Every block, by TensorFlow.js's operations and a backend's own; a convolution or dense block with its activation. */
export const fusedWith =
  (operators: BlockOperators): FusedAt =>
  (block, [next]) => {
    const following = isClamp(next) ? next : undefined
    const length = following === undefined ? 1 : 2
    switch (block._tag) {
      case "Conv2d":
        return { length, apply: (...rest) => conv2d(operators, following)(block, ...rest) }
      case "Dense":
        return { length, apply: (...rest) => dense(operators, following)(block, ...rest) }
      case "DepthwiseConv2d":
        return { length: 1, apply: (...rest) => depthwiseConv2d(operators)(block, ...rest) }
      case "BatchNorm":
        return { length: 1, apply: (...rest) => batchNorm(operators)(block, ...rest) }
      case "Activation":
        return { length: 1, apply: (...rest) => activation(operators)(block, ...rest) }
      default:
        return summed(operators, block)
    }
  }
