import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp } from "../../../model/Block.ts"
import type { UpdateAt } from "../../../model/optimizers/Optimizer.ts"
import type { OptimizerConfig } from "../../../model/TrainConfig.ts"

/** What the blocks need of a backend beside TensorFlow.js's own operations, which are many for it. */
export interface BlockOperators {
  /** The gradient through an activation that gave `y`, and its sums over all axes but the last. */
  readonly activationGradient: (
    dy: tf.Tensor,
    y: tf.Tensor,
    kind: Clamp["kind"]
  ) => { readonly gradient: tf.Tensor; readonly sums: tf.Tensor }
  /** Sums over all axes but the last. */
  readonly channelSums: (x: tf.Tensor) => tf.Tensor
}

/** A weight, by its name, and its optimiser's slots, by their kinds in the order of `slotKinds`. */
export interface Trained {
  readonly name: string
  readonly weight: tf.Tensor
  readonly slots: Readonly<Record<string, tf.Tensor>>
}

/** A weight with its gradient. */
export interface Change extends Trained {
  readonly gradient: tf.Tensor
  readonly at: UpdateAt
}

/** The average of a weight, by its name. */
export interface Averaged {
  readonly name: string
  readonly average: tf.Tensor
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
  ) => { readonly after: ReadonlyArray<Trained>; readonly norm: tf.Tensor }
  /** Averages moved by a share of their distance to the weights (they may be those that went in, changed in place). */
  readonly average: (
    pairs: ReadonlyArray<Averaged & { readonly weight: tf.Tensor }>,
    share: number
  ) => ReadonlyArray<Averaged>
}

/** All operators of a backend. */
export type Operators = BlockOperators & WeightOperators
