import type * as tf from "@tensorflow/tfjs-core"
import type { Activation, Conv2d, Dense, MaxPool } from "../../../model/Block.ts"
import type { Applied, Kernel, Pass } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { maxPool, quartered, quarters } from "./maxPool.ts"
import { filterGradient } from "./filterGradient.ts"
import { isPointwise, matMul, pointwise } from "./products.ts"
import { rectifiers } from "./rectifiers.ts"
import type { Runner } from "./Runner.ts"
import type { Slide } from "./slide.ts"
import { slideOf } from "./slide.ts"

type Rectifier = typeof Activation.Type
type Linear = { readonly name: string; readonly bias: boolean }

/**
 * Adds a bias and cuts below (and above), each where there is one; the way back keeps the bias's gradient. What went in
 * is freed where nothing looks at it again.
 */
export const finish = (
  run: Runner,
  block: Linear,
  rectifier: Rectifier | undefined,
  { input, keep }: { readonly input: tf.Tensor; readonly keep: boolean },
  pass: Pass
): Applied => {
  const layout = [run.float, run.text("data_format", "NHWC")]
  const shifted = block.bias ? run.one("BiasAdd", layout, input, weightOf(pass, block, "bias")) : input
  const output = rectifier === undefined ? shifted : run.one(rectifiers[rectifier.kind].forward, [run.float], shifted)
  if (!keep && input !== output) input.dispose()
  if (shifted !== input && shifted !== output) shifted.dispose()
  return {
    output,
    backward: (gradient) => {
      const dy =
        rectifier === undefined ? gradient : run.one(rectifiers[rectifier.kind].backward, [run.float], gradient, output)
      if (block.bias) pass.gradients.set(`${block.name}.bias`, run.one("BiasAddGrad", layout, dy))
      return dy
    }
  }
}

type Pool = typeof MaxPool.Type
type After = readonly [run: Runner, block: Linear, rectifier: Rectifier | undefined]

/** Pools, where there is something to pool by, and finishes what is left. */
const finishPooled = (...[run, block, rectifier, pool, plain, pass]: [...After, Pool | undefined, tf.Tensor, Pass]) => {
  const pooled = pool === undefined ? undefined : maxPool(run, pool, plain)
  const input = pooled?.output ?? plain
  const finished = finish(run, block, rectifier, { input, keep: pooled !== undefined }, pass)
  return {
    output: finished.output,
    backward: (gradient: tf.Tensor) => {
      const small = finished.backward(gradient, true)!
      const dy = pooled === undefined ? small : pooled.backward(small, true)!
      if (small !== dy && small !== gradient) small.dispose()
      return dy
    }
  }
}

/** The same in one operation. */
const finishQuartered = (...[run, block, rectifier, plain, pass]: [...After, tf.Tensor, Pass]) => {
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const { backward, output } = quartered(run, plain, bias, rectifier)
  plain.dispose()
  return {
    output,
    backward: (dy: tf.Tensor) => {
      const { gradient, sums } = backward(dy)
      if (block.bias) pass.gradients.set(`${block.name}.bias`, sums)
      return gradient
    }
  }
}

/** A convolution's three operations. */
const operations = (run: Runner, slide: Slide, input: tf.Tensor, filter: tf.Tensor) => {
  if (isPointwise(run, slide))
    return {
      forward: () => pointwise.forward(run, input, filter),
      filterGradient: (dy: tf.Tensor) => pointwise.filterGradient(run, input, filter, dy),
      inputGradient: (dy: tf.Tensor) => pointwise.inputGradient(run, input, filter, dy)
    }
  const { attributes } = slide
  return {
    forward: () => run.one("Conv2D", attributes, input, filter),
    filterGradient: (dy: tf.Tensor) => filterGradient(run, slide, input, filter, dy),
    inputGradient: (dy: tf.Tensor) => run.one("Conv2DBackpropInput", attributes, run.ints(...input.shape), filter, dy)
  }
}

/**
 * A convolution with what follows it. A rectifier and a bias change no order among numbers: they come after the
 * pooling, where there is less to do, and give the same values and gradients.
 */
export const conv2d =
  (run: Runner, rectifier: Rectifier | undefined, pool: typeof MaxPool.Type | undefined): Kernel<typeof Conv2d.Type> =>
  (block, input, pass) => {
    const filter = weightOf<tf.Rank.R4>(pass, block, "weight")
    const { filterGradient, forward, inputGradient } = operations(run, slideOf(run, input, block), input, filter)
    const plain = forward()
    const after =
      pool !== undefined && quarters(run, pool, plain)
        ? finishQuartered(run, block, rectifier, plain, pass)
        : finishPooled(run, block, rectifier, pool, plain, pass)
    return {
      output: after.output,
      backward: (gradient, wanted) => {
        const dy = after.backward(gradient)
        pass.gradients.set(`${block.name}.weight`, filterGradient(dy))
        const dx = wanted ? inputGradient(dy) : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }

/** x W + b, with the rectifier that follows it. */
export const dense =
  (run: Runner, rectifier: Rectifier | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const finished = finish(run, block, rectifier, { input: matMul(run, input, weight), keep: false }, pass)
    return {
      output: finished.output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(gradient, true)!
        pass.gradients.set(`${block.name}.weight`, matMul(run, input, dy, true))
        return wanted ? matMul(run, dy, weight, false, true) : undefined
      }
    }
  }
