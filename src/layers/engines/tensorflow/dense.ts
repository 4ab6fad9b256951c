import type { Clamp, Dense } from "../../../model/Block.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { matMul } from "./products.ts"
import type { Runner } from "./Runner.ts"

/** x W + b, with the activation that follows it. */
export const dense =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const finished = finish(run, block, activation, { input: matMul(run, input, weight), keep: false }, pass)
    return {
      output: finished.output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(gradient)
        pass.gradients.set(`${block.name}.weight`, matMul(run, input, dy, true))
        return wanted ? matMul(run, dy, weight, false, true) : undefined
      }
    }
  }
