import * as tf from "@tensorflow/tfjs-core"
import type { Activation, Block } from "../../../model/Block.ts"
import type { OptimizerConfig } from "../../../model/TrainConfig.ts"
import type { UpdateAt } from "../../../model/optimizers/Optimizer.ts"
import type { Applied, Pass } from "./Pass.ts"

/** A weight with its gradient, and its optimiser's slots in the order of `slotKinds`. */
export interface Change {
  readonly weight: tf.Tensor
  readonly gradient: tf.Tensor
  readonly slots: ReadonlyArray<tf.Tensor>
  readonly at: UpdateAt
}

/** How gradients are cut and used. */
export interface UpdateRule {
  readonly optimizer: OptimizerConfig
  readonly clipNorm: number | undefined
  readonly clipValue: number | undefined
}

/** What a backend may do in fewer kernels than TensorFlow.js has for it. `composed` does it anywhere. */
export interface Operators {
  /** The gradient through a rectifier that gave `y`, and its sums over all axes but the last. */
  readonly rectified: (
    dy: tf.Tensor,
    y: tf.Tensor,
    kind: (typeof Activation.Type)["kind"]
  ) => { readonly gradient: tf.Tensor; readonly sums: tf.Tensor }
  /** Sums over all axes but the last. */
  readonly channelSums: (x: tf.Tensor) => tf.Tensor
  /**
   * One step of the optimiser: the weights and slots after it (they may be those that went in, changed in place), and
   * the norm that all gradients together had.
   */
  readonly update: (
    rule: UpdateRule,
    changes: ReadonlyArray<Change>
  ) => { readonly after: ReadonlyArray<Pick<Change, "weight" | "slots">>; readonly norm: tf.Tensor }
  /** Averages that moved by a share of their way to the weights (they may be those that went in, changed in place). */
  readonly average: (
    pairs: ReadonlyArray<{ readonly average: tf.Tensor; readonly weight: tf.Tensor }>,
    share: number
  ) => ReadonlyArray<tf.Tensor>
}

/** A way through the first `length` of some blocks, in one piece. */
export interface Piece {
  readonly length: number
  readonly apply: (input: tf.Tensor, pass: Pass) => Applied
}

/** A backend of TensorFlow.js as an engine uses it. */
export interface Device {
  /** The engine's name. */
  readonly engine: string
  /** The backend's name in TensorFlow.js, which must have been made. */
  readonly backend: string
  readonly operators: Operators
  /** The backend's own way through the blocks from `at` on, where it has a better one than TensorFlow.js. */
  readonly pieceAt?: (blocks: ReadonlyArray<Block>, at: number) => Piece | undefined
  /** Whether an error of the backend means that its memory is full. */
  readonly isOutOfMemory: (cause: unknown) => boolean
}

/** Makes the device's backend the current one: it is one for all of TensorFlow.js. */
export const use = ({ backend }: Device): void => {
  // The promise is of a backend that is still to be made; ours is there, and set before this returns.
  if (tf.getBackend() !== backend) void tf.setBackend(backend)
}
