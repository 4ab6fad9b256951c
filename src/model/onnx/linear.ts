import { elementAt } from "../../pipeline/elementAt.ts"
import { isOnlyInTraining } from "../Block.ts"
import type { BatchNorm, Block, Conv2d, Dense, DepthwiseConv2d } from "../Block.ts"
import { rowsOf } from "../../metrics/rowsOf.ts"
import { named } from "../Tensor.ts"
import type { Tensor, Weights } from "../Tensor.ts"

/** A block that is a weighted sum of its input: a batch norm after it can be folded into its weights. */
export type Linear = typeof Conv2d.Type | typeof DepthwiseConv2d.Type | typeof Dense.Type

export const isLinear = (block: Block): block is Linear =>
  block._tag === "Conv2d" || block._tag === "DepthwiseConv2d" || block._tag === "Dense"

/** A linear block's weights: `weight` in PyTorch's layout, one bias an output, or none. */
export interface LinearWeights {
  readonly weight: Tensor
  readonly bias: Float32Array | undefined
}

const dataOf = (weights: Weights, name: string): Float32Array => named(weights, name).data

/** A batch norm in inference as y = scale x + shift, one pair a channel, in double precision. */
export const affineOf = ({ eps, name }: typeof BatchNorm.Type, weights: Weights) => {
  const mean = dataOf(weights, `${name}.running_mean`)
  const variance = dataOf(weights, `${name}.running_var`)
  const bias = dataOf(weights, `${name}.bias`)
  const scale = Float64Array.from(
    dataOf(weights, `${name}.weight`),
    (gamma, i) => gamma / Math.sqrt(elementAt(variance, i) + eps)
  )
  return { scale, shift: scale.map((factor, i) => elementAt(bias, i) - factor * elementAt(mean, i)) }
}

/**
 * The weights of a linear block with the batch norms after it folded in, rounded to float32 once, at the end.
 *
 * Source: Jacob et al., Quantization and Training of Neural Networks, 2018, equation 14.
 */
export const folded = (block: Linear, norms: ReadonlyArray<typeof BatchNorm.Type>, weights: Weights): LinearWeights => {
  const weight = named(weights, `${block.name}.weight`)
  const bias = block.bias ? dataOf(weights, `${block.name}.bias`) : undefined
  if (norms.length === 0) return { weight, bias }
  const outputs = elementAt(weight.shape, 0) // the output axis comes first
  let scale = new Float64Array(outputs).fill(1)
  let shift = bias === undefined ? new Float64Array(outputs) : Float64Array.from(bias)
  for (const norm of norms) {
    const affine = affineOf(norm, weights)
    scale = scale.map((factor, i) => factor * elementAt(affine.scale, i))
    shift = shift.map((term, i) => term * elementAt(affine.scale, i) + elementAt(affine.shift, i))
  }
  const data = new Float32Array(weight.data.length)
  let at = 0
  for (const [i, row] of rowsOf(weight.data, weight.data.length / outputs).entries()) {
    const factor = elementAt(scale, i)
    for (const value of row) data[at++] = value * factor
  }
  return { weight: { shape: weight.shape, data }, bias: Float32Array.from(shift) }
}

/** A block that is applied, and the batch norms after it that are folded into it. */
export interface Applied {
  readonly block: Block
  readonly norms: ReadonlyArray<typeof BatchNorm.Type>
}

/** The blocks that inference applies, in their order: no dropout, and no batch norm that is folded. */
export const applied = (blocks: ReadonlyArray<Block>): ReadonlyArray<Applied> => {
  const all: Array<{ readonly block: Block; readonly norms: Array<typeof BatchNorm.Type> }> = []
  for (const block of blocks) {
    if (isOnlyInTraining(block)) continue
    const last = all.at(-1)
    if (block._tag === "BatchNorm" && last !== undefined && isLinear(last.block)) last.norms.push(block)
    else all.push({ block, norms: [] })
  }
  return all
}
