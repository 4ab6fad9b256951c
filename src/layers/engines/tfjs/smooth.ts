import * as tf from "@tensorflow/tfjs-core"
import type { Activation, Clamp } from "../../../model/Block.ts"

/** All activations but those that clamp. */
export type Smooth = Exclude<(typeof Activation.Type)["kind"], Clamp["kind"]>

/** What an activation gives, and the gradient through it. */
interface Curve {
  readonly output: tf.Tensor
  readonly before: (gradient: tf.Tensor) => tf.Tensor
}

/** x times a share of it, and the gradient from the share's slope. */
const shared = (x: tf.Tensor, share: tf.Tensor, slope: () => tf.Tensor): Curve => ({
  output: tf.mul(x, share),
  before: (gradient) => tf.mul(gradient, tf.add(share, tf.mul(x, slope())))
})

/** At 3 and beyond, hard-swish is x; at -3 and below, 0. */
const isBetween = (x: tf.Tensor) => tf.logicalAnd(tf.greater(x, -3), tf.less(x, 3))

/** By TensorFlow.js's own operations; see the block. At corners the gradients are PyTorch's. */
const curves: Readonly<Record<Smooth, (x: tf.Tensor) => Curve>> = {
  sigmoid: (x) => {
    const output = tf.sigmoid(x)
    return { output, before: (gradient) => tf.mul(gradient, tf.mul(output, tf.sub(1, output))) }
  },
  silu: (x) => {
    const share = tf.sigmoid(x)
    return shared(x, share, () => tf.mul(share, tf.sub(1, share)))
  },
  "hard-sigmoid": (x) => ({
    output: tf.div(tf.relu6(tf.add(x, 3)), 6),
    before: (gradient) => tf.where(isBetween(x), tf.div(gradient, 6), tf.zerosLike(gradient))
  }),
  "hard-swish": (x) => ({
    output: tf.div(tf.mul(x, tf.relu6(tf.add(x, 3))), 6),
    before: (gradient) => {
      const rising = tf.mul(gradient, tf.add(tf.div(x, 3), 0.5))
      const above = tf.where(tf.greaterEqual(x, 3), gradient, rising)
      return tf.where(tf.lessEqual(x, -3), tf.zerosLike(gradient), above)
    }
  }),
  gelu: (x) => {
    const shareOf = () => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5)
    const slope = () => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
    return {
      output: tf.tidy(() => tf.mul(x, shareOf())),
      // The share is computed again: kept, it would be as large as x.
      before: (gradient) => tf.mul(gradient, tf.add(shareOf(), tf.mul(x, slope())))
    }
  }
}

/** An activation that does not clamp, and its backward pass. */
export const smooth = (kind: Smooth, input: tf.Tensor): Curve => curves[kind](input)
