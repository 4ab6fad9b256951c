import * as tf from "@tensorflow/tfjs-core"
import type { Block, Dense, LayerScale, Residual, StochasticDepth } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import { applyAll } from "../tfjs/apply.ts"
import type { Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { residual as composed } from "../tfjs/residual.ts"
import { product } from "./dense.ts"
import { isInLanes } from "./lanes.ts"
import type { Mlp } from "./mlp.ts"
import { mlpOf, mlpProduct } from "./mlp.ts"
import { rows } from "./products.ts"
import type { Runner } from "./Runner.ts"

/** How a residual of ConvNeXt ends. */
interface Scaled {
  readonly before: ReadonlyArray<Block>
  /** The dense layer is the second of these, or is alone. */
  readonly layers: Mlp | undefined
  readonly dense: typeof Dense.Type
  readonly scale: typeof LayerScale.Type
  readonly depth: typeof StochasticDepth.Type | undefined
}

const scaledEnd = (run: Runner, { blocks, shortcut = [] }: Residual): Scaled | undefined => {
  const last = blocks.at(-1)
  const depth = last?._tag === "StochasticDepth" ? last : undefined
  const rest = depth === undefined ? blocks : blocks.slice(0, -1)
  const [dense, scale] = rest.slice(-2)
  if (dense?._tag !== "Dense" || !dense.bias || scale?._tag !== "LayerScale" || shortcut.length > 0) return undefined
  const layers = mlpOf(run, rest.slice(-4, -1))
  return { before: rest.slice(0, layers === undefined ? -2 : -4), layers, dense, scale, depth }
}

/**
 * x + factor weight (dense(f(x)) + bias), the factor being stochastic depth's: all that follows the product is one
 * operation of Weft's own, forward and backward.
 */
const scaled = (run: Runner, { before, dense, depth, layers, scale }: Scaled, input: tf.Tensor, pass: Pass) => {
  const inner = applyAll(before, input, pass)
  const { backward, output } =
    layers === undefined ? product(run, dense, inner.output, pass) : mlpProduct(run, layers, inner.output, pass)
  const weight = named(pass.weights, scale.name)
  const { size } = weight
  const [images = 0] = input.shape
  // A tensor may share the memory that it is made of: the mask is not ours alone.
  const factors = depth !== undefined && pass.training ? tf.tensor1d(pass.mask(depth, images).slice()) : run.nothing
  const z = run.reshape(output, input.shape)
  output.dispose()
  const rest = [weightOf(pass, dense, "bias"), run.reshape(weight, [size]), factors]
  return {
    output: run.one("WeftScaleAdd", [], input, z, ...rest),
    backward: (gradient: tf.Tensor, wanted: boolean) => {
      const [dz, dWeight, dBias] = run.many("WeftScaleAddGrad", [], [gradient, z, ...rest], 3)
      pass.gradients.set(scale.name, run.reshape(dWeight, weight.shape))
      pass.gradients.set(`${dense.name}.bias`, dBias)
      const between = backward(rows(run, dz), true)
      if (between === undefined) throw new Error("a dense layer gave no gradient of its input, which was wanted")
      dz.dispose()
      const through = inner.backward(between, wanted)
      return through === undefined ? undefined : tf.add(gradient, through)
    }
  }
}

/** The sum, where its last block looks at what it gave no more: a transformer's are freed. */
const plain = ({ blocks }: Residual, input: tf.Tensor, pass: Pass) => {
  const { backward, output } = applyAll(blocks, input, pass)
  const sum = tf.add(input, output)
  output.dispose()
  return {
    output: sum,
    backward: (gradient: tf.Tensor, wanted: boolean) => {
      const through = backward(gradient, wanted)
      return through === undefined ? undefined : tf.add(gradient, through)
    }
  }
}

const isLinear = ({ blocks, shortcut = [] }: Residual): boolean => {
  const last = blocks.at(-1)?._tag
  return shortcut.length === 0 && (last === "Dense" || last === "Attention")
}

/** s(x) + f(x); see the block. */
export const residual =
  (run: Runner): Kernel<Residual> =>
  (block, input, pass) => {
    const end = scaledEnd(run, block)
    if (end !== undefined && isInLanes(run, input)) return scaled(run, end, input, pass)
    return isLinear(block) ? plain(block, input, pass) : composed(block, input, pass)
  }
