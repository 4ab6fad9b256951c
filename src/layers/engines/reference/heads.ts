import type { Block, Heads } from "../../../model/Block.ts"
import { elementAt } from "../../../pipeline/elementAt.ts"
import type { Tensor } from "../../../model/Tensor.ts"
import { elementwise } from "./elementwise.ts"
import type { Kernel } from "./Pass.ts"

/** Puts the rows of matrices (N, widths[k]) side by side: (N, all widths together). */
const beside = (parts: ReadonlyArray<Float32Array>, widths: ReadonlyArray<number>, size: number): Tensor => {
  const width = widths.reduce((sum, one) => sum + one, 0)
  const data = new Float32Array(size * width)
  let from = 0
  for (const [k, part] of parts.entries()) {
    const own = elementAt(widths, k)
    for (let n = 0; n < size; n++) data.set(part.subarray(n * own, (n + 1) * own), n * width + from)
    from += own
  }
  return { shape: [size, width], data }
}

/** The columns of a matrix of rows of `width` from one on, `own` of them. */
const columns = (data: Float32Array, width: number, from: number, own: number): Float32Array => {
  const size = data.length / width
  const part = new Float32Array(size * own)
  for (let n = 0; n < size; n++) part.set(data.subarray(n * width + from, n * width + from + own), n * own)
  return part
}

/** [f1(x), f2(x), …]: each head gets its columns of the gradient, and the gradients of the input are added. */
export const heads =
  (applyAll: Kernel<ReadonlyArray<Block>>): Kernel<Heads> =>
  (block, input, pass) => {
    const applied = block.heads.map(({ blocks }) => applyAll(blocks, input, pass))
    const widths = applied.map(({ output }) => elementAt(output.shape, 1))
    const output = beside(
      applied.map(({ output }) => output.data),
      widths,
      elementAt(input.shape, 0)
    )
    return {
      output,
      backward: (gradient) => {
        let from = 0
        const gradients = applied.map(({ backward }, k) => {
          const own = elementAt(widths, k)
          from += own
          return backward(columns(gradient, elementAt(output.shape, 1), from - own, own))
        })
        return gradients.reduce((sum, one) => elementwise(sum, one, (a, b) => a + b))
      }
    }
  }
