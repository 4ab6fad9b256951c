import type { Attention } from "../../../model/Block.ts"
import { linearRows } from "./linear.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** The softmax of each row of a square matrix, in place. */
const softmaxRows = (scores: Float64Array, count: number): void => {
  for (let row = 0; row < count; row++) {
    const own = scores.subarray(row * count, (row + 1) * count)
    let most = -Infinity
    for (const score of own) most = Math.max(most, score)
    let sum = 0
    for (let i = 0; i < count; i++) sum += own[i] = Math.exp(own[i]! - most)
    for (let i = 0; i < count; i++) own[i]! /= sum
  }
}

/** Where the q, k or v of one head of one image are in the rows (3 channels each) of all of them. */
interface View {
  readonly from: number
  readonly stride: number
}

/** out[i, j] = Σ_c a[i, c] b[j, c], over `depth` channels. */
const products = (a: Float32Array, av: View, b: Float32Array, bv: View, count: number, depth: number) => {
  const out = new Float64Array(count * count)
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) {
      let sum = 0
      const [p, q] = [av.from + i * av.stride, bv.from + j * bv.stride]
      for (let c = 0; c < depth; c++) sum += a[p + c]! * b[q + c]!
      out[i * count + j] = sum
    }
  return out
}

/** out[i, c] = Σ_j m[i, j] b[j, c]; of the transposed m where asked for. */
const weighted = (
  matrix: Float64Array,
  transposed: boolean,
  b: Float32Array,
  bv: View,
  out: Float32Array,
  ov: View,
  count: number,
  depth: number
): void => {
  const sums = new Float64Array(depth)
  for (let i = 0; i < count; i++) {
    sums.fill(0)
    for (let j = 0; j < count; j++) {
      const m = matrix[transposed ? j * count + i : i * count + j]!
      const q = bv.from + j * bv.stride
      for (let c = 0; c < depth; c++) sums[c]! += m * b[q + c]!
    }
    out.set(sums, ov.from + i * ov.stride)
  }
}

/** Self-attention, head by head; see the block. */
export const attention: Kernel<typeof Attention.Type> = (block, { data, shape }, pass) => {
  const [size, count, channels] = shape as readonly [number, number, number] // the shapes were checked
  const { heads, name } = block
  const depth = channels / heads
  const scale = 1 / Math.sqrt(depth)
  const linear = (part: "in_proj_" | "out_proj.", values: Float32Array, outputs: number) =>
    linearRows(weightOf(pass, block, `${part}weight`), weightOf(pass, block, `${part}bias`), values, outputs)
  const inside = linear("in_proj_", data, 3 * channels)
  const all = inside.output
  const parts = Array.from({ length: size * heads }, (_, i) => {
    const [n, head] = [Math.floor(i / heads), i % heads]
    const view = (part: number): View => ({
      from: n * count * 3 * channels + part * channels + head * depth,
      stride: 3 * channels
    })
    const own: View = { from: n * count * channels + head * depth, stride: channels }
    return { q: view(0), k: view(1), v: view(2), own }
  })
  const mixed = new Float32Array(data.length)
  const shares = parts.map(({ k, own, q, v }) => {
    const share = products(all, q, all, k, count, depth).map((score) => score * scale)
    softmaxRows(share, count)
    weighted(share, false, all, v, mixed, own, count, depth)
    return share
  })
  const outside = linear("out_proj.", mixed, channels)
  return {
    output: { shape, data: outside.output },
    backward: (gradient) => {
      const after = outside.backward(gradient)
      const before = new Float32Array(all.length)
      for (const [i, { k, own, q, v }] of parts.entries()) {
        const share = shares[i]! // one for each
        weighted(share, true, after.input, own, before, v, count, depth)
        const scores = products(after.input, own, all, v, count, depth)
        // Through the softmax: p (g - Σ p g), for each row.
        for (let row = 0; row < count; row++) {
          let sum = 0
          for (let j = row * count; j < (row + 1) * count; j++) sum += share[j]! * scores[j]!
          for (let j = row * count; j < (row + 1) * count; j++) scores[j] = share[j]! * (scores[j]! - sum) * scale
        }
        weighted(scores, false, all, k, before, q, count, depth)
        weighted(scores, true, all, q, before, k, count, depth)
      }
      const first = inside.backward(before)
      pass.gradients.set(`${name}.in_proj_weight`, first.weight)
      pass.gradients.set(`${name}.in_proj_bias`, first.bias)
      pass.gradients.set(`${name}.out_proj.weight`, after.weight)
      pass.gradients.set(`${name}.out_proj.bias`, after.bias)
      return first.input
    }
  }
}
