import * as tf from "@tensorflow/tfjs-core"
import type { Attention } from "../../../model/Block.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

type Three = readonly [size: number, count: number, channels: number]

/** Rows (N T, parts H d) as a matrix (T, d) for each head of each part: (N, parts H, T, d). */
const intoHeads = (rows: tf.Tensor, [size, count]: Three, depth: number): tf.Tensor =>
  tf.transpose(tf.reshape(rows, [size, count, rows.size / (size * count * depth), depth]), [0, 2, 1, 3])

/** The inverse of `intoHeads`. */
const outOfHeads = (heads: tf.Tensor, [size, count]: Three): tf.Tensor2D =>
  tf.reshape<tf.Rank.R2>(tf.transpose(heads, [0, 2, 1, 3]), [size * count, heads.size / (size * count)])

/** Self-attention of all heads at once; see the block. */
export const attention =
  ({ channelSums }: Pick<BlockOperators, "channelSums">): Kernel<typeof Attention.Type> =>
  (block, input, pass) => {
    const shape = input.shape as ReadonlyArray<number> as Three // the shapes were checked
    const [size, count, channels] = shape
    const { heads, name } = block
    const depth = channels / heads
    const scale = 1 / Math.sqrt(depth)
    const before = weightOf<tf.Rank.R2>(pass, block, "in_proj_weight")
    const after = weightOf<tf.Rank.R2>(pass, block, "out_proj.weight")
    const rows = tf.reshape<tf.Rank.R2>(input, [size * count, channels])
    /** Of each part, a matrix for each head of each image. */
    const matrices = (part: tf.Tensor) => tf.reshape<tf.Rank.R3>(part, [size * heads, count, depth])
    type Kept = [
      q: tf.Tensor3D,
      k: tf.Tensor3D,
      v: tf.Tensor3D,
      share: tf.Tensor3D,
      mixed: tf.Tensor2D,
      output: tf.Tensor
    ]
    // What the backward pass does not look at is freed.
    const [q, k, v, share, mixed, output] = tf.tidy((): Kept => {
      const inside = tf.add(tf.matMul(rows, before), weightOf(pass, block, "in_proj_bias"))
      const [q, k, v] = tf.split(intoHeads(inside, shape, depth), 3, 1).map(matrices) as [
        tf.Tensor3D,
        tf.Tensor3D,
        tf.Tensor3D
      ] // split in three
      const share = tf.softmax<tf.Tensor3D>(tf.mul<tf.Tensor3D>(tf.matMul(q, k, false, true), scale))
      const mixed = outOfHeads(tf.reshape(tf.matMul(share, v), [size, heads, count, depth]), shape)
      return [q, k, v, share, mixed, tf.add(tf.matMul(mixed, after), weightOf(pass, block, "out_proj.bias"))]
    })
    return {
      output: tf.reshape(output, input.shape),
      backward: (gradient, wanted) => {
        const dy = tf.reshape<tf.Rank.R2>(gradient, [size * count, channels])
        pass.gradients.set(`${name}.out_proj.bias`, channelSums(dy))
        pass.gradients.set(`${name}.out_proj.weight`, tf.matMul(mixed, dy, true, false))
        const dMixed = matrices(intoHeads(tf.matMul(dy, after, false, true), shape, depth))
        const dShare = tf.matMul(dMixed, v, false, true)
        // Through the softmax: p (g - Σ p g), for each row.
        const inner = tf.sum(tf.mul(dShare, share), -1, true)
        const dScores = tf.mul<tf.Tensor3D>(tf.mul(tf.sub(dShare, inner), share), scale)
        const parts = [
          tf.matMul(dScores, k),
          tf.matMul(dScores, q, true, false),
          tf.matMul(share, dMixed, true, false)
        ].map((part) => tf.reshape(part, [size, heads, count, depth]))
        const dInside = outOfHeads(tf.concat(parts, 1), shape)
        pass.gradients.set(`${name}.in_proj_bias`, channelSums(dInside))
        pass.gradients.set(`${name}.in_proj_weight`, tf.matMul(rows, dInside, true, false))
        return wanted ? tf.reshape(tf.matMul(dInside, before, false, true), input.shape) : undefined
      }
    }
  }
