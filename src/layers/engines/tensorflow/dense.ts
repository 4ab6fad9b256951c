import type { Clamp, Dense } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { matMul, rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

/** x W + b, for each row, pixel or token, with the activation that follows it. */
export const dense =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const isRows = input.shape.length === 2
    const a = isRows ? input : rows(run, input)
    const finished = finish(run, block, activation, { input: matMul(run, a, weight), keep: false }, pass)
    return {
      output: isRows ? finished.output : run.reshape(finished.output, [...input.shape.slice(0, -1), block.units]),
      backward: (gradient, wanted) => {
        const dy = finished.backward(isRows ? gradient : rows(run, gradient))
        pass.gradients.set(`${block.name}.weight`, matMul(run, a, dy, true))
        if (!wanted) return undefined
        const dx = matMul(run, dy, weight, false, true)
        return isRows ? dx : run.reshape(dx, input.shape)
      }
    }
  }
