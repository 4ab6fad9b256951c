import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Dense } from "../../../model/Block.ts"
import type { Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { gelu, geluInPlace } from "./gelu.ts"
import { matMul, rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

/** x W, without what follows: rows, as many as the input has pixels or tokens. */
export const product = (run: Runner, block: typeof Dense.Type, input: tf.Tensor, pass: Pass) => {
  const weight = weightOf(pass, block, "weight")
  const isRows = input.shape.length === 2
  const a = isRows ? input : rows(run, input)
  return {
    output: matMul(run, a, weight),
    /** Rows in the input's shape; as rows they are freed, unless somebody looks at them. */
    shaped: (output: tf.Tensor, keep = false) => {
      if (isRows) return output
      const shaped = run.reshape(output, [...input.shape.slice(0, -1), block.units])
      if (!keep) output.dispose()
      return shaped
    },
    backward: (dy: tf.Tensor, wanted: boolean) => {
      pass.gradients.set(`${block.name}.weight`, matMul(run, a, dy, true))
      if (!wanted) return undefined
      const dx = matMul(run, dy, weight, false, true)
      return isRows ? dx : run.reshape(dx, input.shape)
    }
  }
}

/** x W + b, for each row, pixel or token, with the activation that follows it. */
export const dense =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const { backward, output, shaped } = product(run, block, input, pass)
    const finished = finish(run, block, activation, { input: output, keep: false }, pass)
    return {
      output: shaped(finished.output, activation !== undefined), // whose gradient is made of what it gave
      backward: (gradient, wanted) =>
        backward(finished.backward(input.shape.length === 2 ? gradient : rows(run, gradient)), wanted)
    }
  }

/** The same with GELU behind it, by operations of Weft's own; see `gelu`. */
export const denseGelu =
  (run: Runner): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const { backward, output, shaped } = product(run, block, input, pass)
    const bias = block.bias ? weightOf(pass, block, "bias") : run.nothing
    if (!pass.training) {
      geluInPlace(run, output, bias)
      return {
        output: shaped(output),
        backward: () => {
          throw new Error("GELU was applied in place, and its gradient was asked for")
        }
      }
    }
    const active = gelu(run, output, bias)
    return {
      output: shaped(active.output),
      backward: (dy, wanted) => {
        const { gradient, sums } = active.backward(rows(run, dy))
        if (block.bias) pass.gradients.set(`${block.name}.bias`, sums)
        return backward(gradient, wanted)
      }
    }
  }
