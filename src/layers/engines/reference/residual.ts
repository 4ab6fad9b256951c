import type { Block, Residual } from "../../../model/Block.ts"
import { elementwise } from "./elementwise.ts"
import type { Kernel } from "./Pass.ts"

/** s(x) + f(x), s being the shortcut or nothing; the gradient goes through both, and the two are added. */
export const residual =
  (applyAll: Kernel<ReadonlyArray<Block>>): Kernel<Residual> =>
  ({ blocks, shortcut = [] }, input, pass) => {
    const inner = applyAll(blocks, input, pass)
    const beside = applyAll(shortcut, input, pass)
    return {
      output: { shape: inner.output.shape, data: elementwise(inner.output.data, beside.output.data, (y, x) => y + x) },
      backward: (gradient) => {
        const other = beside.backward(gradient)
        return elementwise(inner.backward(gradient), other, (g, h) => g + h)
      }
    }
  }
