import type * as tf from "@tensorflow/tfjs-core"
import type { Activation } from "../../../model/Block.ts"
import type { UpdateAt } from "../../../model/optimizers/Optimizer.ts"
import type { OptimizerConfig } from "../../../model/TrainConfig.ts"

/** What the blocks need of a backend beside TensorFlow.js's own operations, which are many for it. */
export interface BlockOperators {
  /** The gradient through an activation that gave `y`, and its sums over all axes but the last. */
  readonly activationGradient: (
    dy: tf.Tensor,
    y: tf.Tensor,
    kind: (typeof Activation.Type)["kind"]
  ) => { readonly gradient: tf.Tensor; readonly sums: tf.Tensor }
  /** Sums over all axes but the last. */
  readonly channelSums: (x: tf.Tensor) => tf.Tensor
}

/** A weight with its gradient, and its optimiser's slots in the order of `slotKinds`. */
export interface Change {
  readonly weight: tf.Tensor
  readonly gradient: tf.Tensor
  readonly slots: ReadonlyArray<tf.Tensor>
  readonly at: UpdateAt
}

/** How gradients are clipped and used. */
export interface UpdateRule {
  readonly optimizer: OptimizerConfig
  readonly clipNorm: number | undefined
  readonly clipValue: number | undefined
}

/** What a backend does to the weights after the backward pass. */
export interface WeightOperators {
  /**
   * One step of the optimiser: the weights and slots after it (they may be those that went in, changed in place), and
   * the norm that all gradients together had.
   */
  readonly update: (
    rule: UpdateRule,
    changes: ReadonlyArray<Change>
  ) => { readonly after: ReadonlyArray<Pick<Change, "weight" | "slots">>; readonly norm: tf.Tensor }
  /** Averages moved by a share of their distance to the weights (they may be those that went in, changed in place). */
  readonly average: (
    pairs: ReadonlyArray<{ readonly average: tf.Tensor; readonly weight: tf.Tensor }>,
    share: number
  ) => ReadonlyArray<tf.Tensor>
}

/** All operators of a backend. */
export type Operators = BlockOperators & WeightOperators
