import type { Block, Residual } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** s(x) + f(x), s being the shortcut or nothing; the gradient goes through both, and the two are added. */
export const residual =
  (applyAll: Kernel<ReadonlyArray<Block>>): Kernel<Residual> =>
  ({ blocks, shortcut = [] }, input, pass) => {
    const inner = applyAll(blocks, input, pass)
    const beside = applyAll(shortcut, input, pass)
    return {
      output: { shape: inner.output.shape, data: inner.output.data.map((y, i) => y + beside.output.data[i]!) },
      backward: (gradient) => {
        const other = beside.backward(gradient)
        return inner.backward(gradient).map((g, i) => g + other[i]!)
      }
    }
  }
