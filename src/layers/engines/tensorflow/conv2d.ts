import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, Conv2d, MaxPool } from "../../../model/Block.ts"
import type { Applied, Pass } from "../tfjs/Pass.ts"
import { inputGradient, weightOf } from "../tfjs/Pass.ts"
import type { Linear } from "./activation.ts"
import { finish } from "./activation.ts"
import { byColumns } from "./columns.ts"
import { maxPool, quartered, quarters } from "./maxPool.ts"
import { isPointwise, pointwise } from "./pointwise.ts"
import type { Runner } from "./Runner.ts"
import type { RunWindow } from "./window.ts"
import { runWindowOf } from "./window.ts"

/** Shorter lines of the output than this, or more weights, and TensorFlow's own operation is as fast. */
const shortest = 16
const mostWeights = 2 ** 18

/** More weights than this on images so small that their columns are no more numbers than that: a product is faster. */
const manyWeights = 2 ** 20
const fewColumns = 2 ** 22

/**
 * Whether a convolution's gradients are products of columns. TensorFlow's own take two to ten times as long through a stride
 * with padding of one's own, and a third longer where a large filter meets a small image.
 */
const areColumns = (run: Runner, { window }: RunWindow, input: tf.Tensor, filter: tf.Tensor): boolean => {
  if (run.usesGpu) return false
  const [images = 0, , , channels = 0] = input.shape
  const { kernelHeight, kernelWidth, outHeight, outWidth, stride } = window
  const columns = images * outHeight * outWidth * kernelHeight * kernelWidth * channels
  return stride > 1 || (filter.size > manyWeights && columns <= fewColumns)
}

/**
 * The gradient of a convolution's filter. On a processor, where lines are long, by an operation of Weft's own: it takes
 * half the time of TensorFlow's. It wants filters in sixteens.
 */
export const filterGradient = (
  run: Runner,
  on: RunWindow,
  input: tf.Tensor,
  filter: tf.Tensor,
  dy: tf.Tensor
): tf.Tensor => {
  const { attributes, window } = on
  const [, , outWidth, filters] = dy.shape as [number, number, number, number] // the shapes were checked
  const ours = !run.usesGpu && filters % 16 === 0 && outWidth >= shortest && filter.size <= mostWeights
  if (!ours)
    return areColumns(run, on, input, filter)
      ? byColumns.filterGradient(run, window, input, filter, dy)
      : run.one("Conv2DBackpropFilter", attributes, input, run.ints(...filter.shape), dy)
  const { kernelHeight: high, kernelWidth: wide, left, stride, top } = window
  const settings = { high, wide, stride, top, left }
  const own = Object.entries(settings).map(([name, value]) => run.int(name, value))
  return run.one("WeftConvFilterGrad", own, input, dy)
}

type Pool = typeof MaxPool.Type
type After = readonly [run: Runner, block: Linear, activation: Clamp | undefined]

/** Pools, where a pooling follows, then adds the bias and applies the activation. */
const finishPooled = (
  ...[run, block, activation, pool, plain, pass]: [...After, Pool | undefined, tf.Tensor, Pass]
) => {
  const pooled = pool === undefined ? undefined : maxPool(run, pool, plain)
  const input = pooled?.output ?? plain
  const finished = finish(run, block, activation, { input, keep: pooled !== undefined }, pass)
  return {
    output: finished.output,
    backward: (gradient: tf.Tensor) => {
      const small = finished.backward(gradient)
      const dy = pooled === undefined ? small : inputGradient(pooled, small)
      if (small !== dy && small !== gradient) small.dispose()
      return dy
    }
  }
}

/** The same in one operation. */
const finishQuartered = (...[run, block, activation, plain, pass]: [...After, tf.Tensor, Pass]) => {
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const { backward, output } = quartered(run, plain, bias, activation)
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

/** What a convolution made, with its statistics where those are known; see native/pointwise.h. */
export interface Convolved extends Applied {
  readonly statistics?: tf.Tensor | undefined
  /** The backward pass by a gradient that a batch norm behind has left open; see pointwise.ts. */
  readonly finishing?: (gradient: tf.Tensor, terms: tf.Tensor, wanted: boolean) => tf.Tensor | undefined
}

/** A convolution without a bias, with its statistics where they are wanted and known. */
export const convolve = (
  run: Runner,
  on: RunWindow,
  input: tf.Tensor,
  filter: tf.Tensor,
  wanted: boolean
): { readonly plain: tf.Tensor; readonly statistics?: tf.Tensor | undefined } => {
  if (isPointwise(run, on.window)) return pointwise.forward(run, input, filter, wanted)
  const { kernelHeight, kernelWidth, stride } = on.window
  const isFast = stride > 1 && kernelHeight * kernelWidth > 1 && filter.size <= manyWeights
  return {
    plain:
      !isFast && areColumns(run, on, input, filter)
        ? byColumns.forward(run, on.window, input, filter)
        : run.one("Conv2D", on.attributes, input, filter)
  }
}

/** The gradients of a convolution's filter and, where it is wanted, of its input. */
const gradients = (
  run: Runner,
  on: RunWindow,
  input: tf.Tensor,
  filter: tf.Tensor,
  dy: tf.Tensor,
  wanted: boolean
): { readonly change: tf.Tensor; readonly dx: tf.Tensor | undefined } => {
  if (isPointwise(run, on.window)) return pointwise.gradients(run, input, filter, dy, wanted)
  const change = filterGradient(run, on, input, filter, dy)
  if (!wanted) return { change, dx: undefined }
  const dx = areColumns(run, on, input, filter)
    ? byColumns.inputGradient(run, on.window, filter, dy)
    : run.one("Conv2DBackpropInput", on.attributes, run.ints(...input.shape), filter, dy)
  return { change, dx }
}

/**
 * A convolution with what follows it. An activation and a bias change no order among numbers: they come after the
 * pooling, where there is less to do, and give the same values and gradients.
 */
export const conv2d =
  (run: Runner, activation: Clamp | undefined, pool: typeof MaxPool.Type | undefined) =>
  (block: typeof Conv2d.Type, input: tf.Tensor, pass: Pass): Convolved => {
    const filter = weightOf<tf.Rank.R4>(pass, block, "weight")
    const on = runWindowOf(run, block, input)
    const { plain, statistics } = convolve(run, on, input, filter, pass.batchStatistics)
    const after =
      pool !== undefined && quarters(run, pool, plain)
        ? finishQuartered(run, block, activation, plain, pass)
        : finishPooled(run, block, activation, pool, plain, pass)
    return {
      output: after.output,
      // Of what is before the bias: the mean is another with it.
      ...(after.output === plain && { statistics }),
      ...(after.output === plain &&
        isPointwise(run, on.window) && {
          finishing: (gradient: tf.Tensor, terms: tf.Tensor, wanted: boolean) => {
            const open = { output: plain, terms }
            const { change, dx } = pointwise.gradients(run, input, filter, gradient, wanted, open)
            pass.gradients.set(`${block.name}.weight`, change)
            return dx
          }
        }),
      backward: (gradient, wanted) => {
        const dy = after.backward(gradient)
        const { change, dx } = gradients(run, on, input, filter, dy, wanted)
        pass.gradients.set(`${block.name}.weight`, change)
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }
