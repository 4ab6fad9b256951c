import type * as tf from "@tensorflow/tfjs-core"
import type { Attention } from "../../../model/Block.ts"
import { attention as composed } from "../tfjs/attention.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { channelSums } from "./channelSums.ts"
import { isInLanes } from "./lanes.ts"
import { matMul, rows } from "./products.ts"
import type { Input, Runner } from "./Runner.ts"

/** A product for each matrix of two lists. */
const products = (run: Runner, a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor =>
  run.one("BatchMatMulV2", [run.float, run.bool("adj_x", transposeA), run.bool("adj_y", transposeB)], a, b)

/**
 * Self-attention of all heads at once; see the block. Between the products stand operations of Weft's own, one each: into
 * a matrix for each head, with bias and scale; the softmax and its gradient, in place; and out of the heads, with the
 * bias's gradient.
 */
export const attention =
  (run: Runner): Kernel<typeof Attention.Type> =>
  (block, input, pass) => {
    const [size, count, channels] = input.shape as [number, number, number] // the shapes were checked
    const { heads, name } = block
    const depth = channels / heads
    if (!isInLanes(run, input, 16 * heads) || count < 16)
      return composed({ channelSums: channelSums(run) })(block, input, pass)
    const scale = 1 / Math.sqrt(depth)
    const intoHeads = <Count extends number>(x: tf.Tensor, bias: Input, parts: Count, first: number) =>
      run.many(
        "WeftIntoHeads",
        [run.int("P", parts), run.int("heads", heads), run.int("count", count), run.number("scale", first)],
        [x, bias],
        parts
      )
    const outOfHeads = (parts: ReadonlyArray<tf.Tensor>, first: number) =>
      run.many(
        "WeftOutOfHeads",
        [run.int("P", parts.length), run.int("heads", heads), run.number("scale", first)],
        parts,
        2
      )
    const before = weightOf(pass, block, "in_proj_weight")
    const after = weightOf(pass, block, "out_proj.weight")
    const tokens = rows(run, input)
    const inside = matMul(run, tokens, before)
    const [q, k, v] = intoHeads(inside, weightOf(pass, block, "in_proj_bias"), 3, scale)
    inside.dispose()
    const share = products(run, q, k, false, true)
    run.raw("WeftSoftmax", [], [share], 0)
    const apart = products(run, share, v)
    const [mixed] = outOfHeads([apart], 1)
    apart.dispose()
    const linear = { name: `${name}.out_proj`, bias: true }
    const finished = finish(run, linear, undefined, { input: matMul(run, mixed, after), keep: false }, pass)
    const output = run.reshape(finished.output, [size, count, channels])
    finished.output.dispose()
    return {
      output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(rows(run, gradient))
        pass.gradients.set(`${name}.out_proj.weight`, matMul(run, mixed, dy, true))
        const [dMixed] = intoHeads(matMul(run, dy, after, false, true), run.nothing, 1, 1)
        const dScores = products(run, dMixed, v, false, true)
        run.raw("WeftSoftmaxGrad", [], [dScores, share], 0)
        const parts = [
          products(run, dScores, k),
          products(run, dScores, q, true, false),
          products(run, share, dMixed, true, false)
        ]
        const [dInside, sums] = outOfHeads(parts, scale)
        pass.gradients.set(`${name}.in_proj_bias`, sums)
        pass.gradients.set(`${name}.in_proj_weight`, matMul(run, tokens, dInside, true))
        return wanted ? run.reshape(matMul(run, dInside, before, false, true), input.shape) : undefined
      }
    }
  }
