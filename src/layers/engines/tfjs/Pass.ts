import type * as tf from "@tensorflow/tfjs-core"
import type { Block, Dropout, StochasticDepth } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"

/** One way through a network, forward and back, inside a `tf.tidy`. */
export interface Pass {
  /** Dropout on; else inference. */
  readonly training: boolean
  /** Batch norm by the batch's statistics, which move the running ones; else by the running ones. */
  readonly batchStatistics: boolean
  readonly fusedAt: FusedAt
  /** Every tensor of the network, by PyTorch's name, in the backend's layout. */
  readonly weights: ReadonlyMap<string, tf.Tensor>
  /** Filled in the backward pass: one gradient for each trainable weight. */
  readonly gradients: Map<string, tf.Tensor>
  /** Filled in the forward pass, in training: the running statistics after it. */
  readonly running: Map<string, tf.Tensor>
  /** This step's factors for a number of values; see `dropoutMask`. */
  readonly mask: (block: typeof Dropout.Type | typeof StochasticDepth.Type, length: number) => Float32Array
}

/**
 * What a block made of its input, and its backward pass.
 *
 * `backward` takes the loss's gradient with respect to the output, puts the gradients of the block's own weights into
 * the pass, and gives the gradient with respect to the input where it is wanted. It may be called once.
 */
export interface Applied {
  readonly output: tf.Tensor
  readonly backward: (gradient: tf.Tensor, wanted: boolean) => tf.Tensor | undefined
}

/** The gradient of what a block was given. For where it is wanted: throws where the block gives none. */
export const inputGradient = ({ backward }: Applied, gradient: tf.Tensor): tf.Tensor => {
  const before = backward(gradient, true)
  if (before === undefined) throw new Error("a block gave no gradient of its input, which was wanted")
  return before
}

/** The first `length` of some blocks, computed together. */
export interface Fused {
  readonly length: number
  readonly apply: (input: tf.Tensor, pass: Pass) => Applied
}

/** How a backend computes a block, together with some of the blocks that follow it where that is faster. */
export type FusedAt = (block: Block, following: ReadonlyArray<Block>) => Fused

/** A kind of block as operations of TensorFlow.js. */
export type Kernel<B> = (block: B, input: tf.Tensor, pass: Pass) => Applied

/** One of a block's weights. */
export const weightOf = <R extends tf.Rank = tf.Rank>(
  { weights }: Pass,
  { name }: { readonly name: string },
  part: string
): tf.Tensor<R> => named(weights, `${name}.${part}`) as tf.Tensor<R> // the session has checked their shapes
