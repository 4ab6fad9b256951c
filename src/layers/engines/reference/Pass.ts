import type { Tensor, Weights } from "../../../model/Tensor.ts"
import { named } from "../../../model/Tensor.ts"
import type { Dropout, StochasticDepth } from "../../../model/Block.ts"

/** One way through a network, forward and back. */
export interface Pass {
  /** Dropout on; else inference. */
  readonly training: boolean
  /** Batch norm by the batch's statistics, which move the running ones; else by the running ones. */
  readonly batchStatistics: boolean
  /** Every tensor of the network, checked. Batch norm moves its running statistics here, in training. */
  readonly weights: Weights
  /** Filled in the backward pass: one gradient for each trainable weight, in its layout. */
  readonly gradients: Map<string, Float32Array>
  /** This step's factors for a number of values; see `dropoutMask`. */
  readonly mask: (block: typeof Dropout.Type | typeof StochasticDepth.Type, length: number) => Float32Array
}

/**
 * What a block made of its input, and its backward pass.
 *
 * `backward` takes the loss's gradient with respect to the output, puts the gradients of the block's own weights into
 * the pass, and gives the gradient with respect to the input. It may be called once.
 */
export interface Applied {
  /** The batch first: (N, height, width, channels) or (N, length). */
  readonly output: Tensor
  readonly backward: (gradient: Float32Array) => Float32Array
}

/** A kind of block in numbers. Sums are made in float64 and stored as float32. */
export type Kernel<B> = (block: B, input: Tensor, pass: Pass) => Applied

/** The values of one of a block's weights, in PyTorch's layout. */
export const weightOf = (pass: Pass, block: { readonly name: string }, part: string): Float32Array =>
  named(pass.weights, `${block.name}.${part}`).data
