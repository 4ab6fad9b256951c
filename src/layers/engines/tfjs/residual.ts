import * as tf from "@tensorflow/tfjs-core"
import type { Residual } from "../../../model/Block.ts"
import { applyAll } from "./apply.ts"
import type { Kernel } from "./Pass.ts"

/** s(x) + f(x), s being the shortcut or nothing; the gradient goes through both, and the two are added. */
export const residual: Kernel<Residual> = ({ blocks, shortcut = [] }, input, pass) => {
  const inner = applyAll(blocks, input, pass)
  const beside = applyAll(shortcut, input, pass)
  return {
    output: tf.add(beside.output, inner.output),
    backward: (gradient, wanted) => {
      const through = inner.backward(gradient, wanted)
      const other = beside.backward(gradient, wanted)
      return through === undefined || other === undefined ? undefined : tf.add(other, through)
    }
  }
}
