import type * as tf from "@tensorflow/tfjs-core"
import type { Block, Dense } from "../../../model/Block.ts"
import type { Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { finish } from "./activation.ts"
import { product, shaped } from "./dense.ts"
import { gelu, geluInPlace } from "./gelu.ts"
import { isInLanes } from "./lanes.ts"
import { rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

/** Two dense layers, with GELU between them. */
export interface Mlp {
  readonly first: typeof Dense.Type
  readonly second: typeof Dense.Type
}

/** The first three blocks, where they are such layers and Weft's own operations take them. */
export const mlpOf = (run: Runner, [first, between, second]: ReadonlyArray<Block>): Mlp | undefined =>
  first?._tag === "Dense" &&
  between?._tag === "Activation" &&
  between.kind === "gelu" &&
  second?._tag === "Dense" &&
  isInLanes(run, { shape: [first.units] })
    ? { first, second }
    : undefined

/** What is between the layers in inference, and nothing of it is kept. */
const inferred = (
  run: Runner,
  { first, second }: Mlp,
  input: tf.Tensor,
  pass: Pass,
  bias: Parameters<typeof gelu>[2]
) => {
  const { output } = product(run, first, input, pass)
  geluInPlace(run, output, bias)
  const after = product(run, second, output, pass)
  output.dispose()
  const backward = (): undefined => {
    throw new Error("GELU was applied in place, and its gradient was asked for")
  }
  return { output: after.output, backward }
}

/**
 * GELU(x W + b) V, without what follows: rows; see `product`. What GELU gives is the largest tensor of a layer: it is
 * freed, and computed again in the backward pass, which takes a fiftieth of the products' time.
 */
export const mlpProduct = (run: Runner, layers: Mlp, input: tf.Tensor, pass: Pass) => {
  const { first, second } = layers
  const bias = first.bias ? weightOf(pass, first, "bias") : run.nothing
  if (!pass.training) return inferred(run, layers, input, pass, bias)
  const before = product(run, first, input, pass)
  const active = gelu(run, before.output, bias)
  const after = product(run, second, active.output, pass, () => gelu(run, before.output, run.nothing).output)
  active.output.dispose()
  return {
    output: after.output,
    backward: (dz: tf.Tensor, wanted: boolean) => {
      const dy = after.backward(dz, true)
      if (dy === undefined) throw new Error("a dense layer gave no gradient of its input, which was wanted")
      const { gradient, sums } = active.backward(dy)
      dy.dispose()
      if (first.bias) pass.gradients.set(`${first.name}.bias`, sums)
      return before.backward(gradient, wanted)
    }
  }
}

/** The same with the second layer's bias, in the input's shape. */
export const mlp =
  (run: Runner): Kernel<Mlp> =>
  (layers, input, pass) => {
    const { backward, output } = mlpProduct(run, layers, input, pass)
    const finished = finish(run, layers.second, undefined, { input: output, keep: false }, pass)
    return {
      output: shaped(run, finished.output, input),
      backward: (gradient, wanted) => backward(finished.backward(rows(run, gradient)), wanted)
    }
  }
