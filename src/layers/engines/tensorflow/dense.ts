import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Dense } from "../../../model/Block.ts"
import type { Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { channelsOf } from "../tfjs/shape.ts"
import { finish } from "./activation.ts"
import { matMul, rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

/**
 * x W, without what follows: rows, as many as the input has pixels or tokens. The backward pass takes rows too; where
 * the input is freed, `again` makes its rows anew.
 */
export const product = (
  run: Runner,
  block: typeof Dense.Type,
  input: tf.Tensor,
  pass: Pass,
  again?: () => tf.Tensor
) => {
  const weight = weightOf(pass, block, "weight")
  const { shape } = input
  const isRows = shape.length === 2
  const a = isRows ? input : rows(run, input)
  return {
    output: matMul(run, a, weight),
    backward: (dy: tf.Tensor, wanted: boolean) => {
      const x = again === undefined ? a : again()
      pass.gradients.set(`${block.name}.weight`, matMul(run, x, dy, true))
      if (x !== a) x.dispose()
      if (!wanted) return undefined
      const dx = matMul(run, dy, weight, false, true)
      return isRows ? dx : run.reshape(dx, shape)
    }
  }
}

/** What a product gave, in the shape of its input; as rows it is freed, unless somebody looks at it. */
export const shaped = (run: Runner, output: tf.Tensor, { shape }: tf.Tensor, keep = false): tf.Tensor => {
  if (shape.length === 2) return output
  const inShape = run.reshape(output, [...shape.slice(0, -1), channelsOf(output)])
  if (!keep) output.dispose()
  return inShape
}

/** x W + b, for each row, pixel or token, with the activation that follows it. */
export const dense =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const { backward, output } = product(run, block, input, pass)
    const finished = finish(run, block, activation, { input: output, keep: false }, pass)
    return {
      output: shaped(run, finished.output, input, activation !== undefined), // whose gradient is made of what it gave
      backward: (gradient, wanted) =>
        backward(finished.backward(input.shape.length === 2 ? gradient : rows(run, gradient)), wanted)
    }
  }
