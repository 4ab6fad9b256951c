import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp, DepthwiseConv2d } from "../../../model/Block.ts"
import type { Window } from "../../../model/shapes.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import type { OwnActivation } from "./activation.ts"
import { activationNumber, finish, finishInPlace } from "./activation.ts"
import { channelsOf } from "../tfjs/shape.ts"
import type { Input, Runner } from "./Runner.ts"
import type { RunWindow } from "./window.ts"
import { runWindowOf } from "./window.ts"

/**
 * Whether every pixel is in the middle of a kernel that moves by single pixels: then the backward pass is one forward.
 */
const isCentred = (run: Runner, { attributes, window }: RunWindow): boolean =>
  !run.usesGpu &&
  window.stride === 1 &&
  window.kernelHeight % 2 === 1 &&
  window.kernelWidth % 2 === 1 &&
  attributes.some(({ name, value }) => name === "padding" && value === "SAME")

/** Kernels' sides and strides that Weft's own operation knows. */
const sides: ReadonlyArray<number> = [3, 5, 7]
const strides: ReadonlyArray<number> = [1, 2]

/** Whether a window is for Weft's own operation: square, on a processor, with less padding than the kernel is large. */
export const isOwn = (run: Runner, { kernelHeight, kernelWidth, left, stride, top }: Window): boolean =>
  !run.usesGpu &&
  kernelHeight === kernelWidth &&
  sides.includes(kernelHeight) &&
  strides.includes(stride) &&
  Math.max(top, left) < kernelHeight

/** The attributes of Weft's own operation. */
interface Slide {
  readonly kernel: number
  readonly stride: number
  /** How far apart the input's pixels lie, with zeros between them. */
  readonly spread: number
  /** Pixels of padding above and left of the input. */
  readonly top: number
  readonly left: number
  /** Of the output. */
  readonly height: number
  readonly width: number
}

const slide = (
  run: Runner,
  how: Slide,
  [x, filter, shift]: readonly [tf.Tensor, tf.Tensor, Input],
  activation: OwnActivation | undefined
): tf.Tensor => {
  const settings = Object.entries({ ...how, activation: activationNumber(activation) })
  const attributes = settings.map(([name, value]) => run.int(name, value))
  return run.one("WeftDepthwise", attributes, x, filter, shift)
}

/** A weight (height, width, 1, channels) as TensorFlow's filter. */
export const filterOf = (run: Runner, block: typeof DepthwiseConv2d.Type, weight: tf.Tensor) => {
  const shape = [...block.kernel, channelsOf(weight), 1] as const
  return { shape, filter: run.reshape(weight, shape) }
}

/**
 * Slides a weight (height, width, 1, channels) over an input, adds a shift to each channel, and applies an activation: in
 * inference, on a processor. In training it is TensorFlow's operation, or the one of `batchNormDepthwise`.
 */
export const slideShifted = (
  run: Runner,
  block: typeof DepthwiseConv2d.Type,
  input: tf.Tensor,
  weight: tf.Tensor,
  shift: tf.Tensor,
  activation: OwnActivation | undefined
): tf.Tensor => {
  const { attributes, window } = runWindowOf(run, block, input)
  const { filter } = filterOf(run, block, weight)
  if (!isOwn(run, window)) {
    const plain = run.one("DepthwiseConv2dNative", attributes, input, filter)
    finishInPlace(run, plain, shift, activation)
    return plain
  }
  const { kernelHeight, left, outHeight, outWidth, stride, top } = window
  const how = { kernel: kernelHeight, stride, spread: 1, top, left, height: outHeight, width: outWidth }
  return slide(run, how, [input, filter, shift], activation)
}

/** The gradient of the input. */
export const inputGradient = (run: Runner, on: RunWindow, filter: tf.Tensor, dy: tf.Tensor): tf.Tensor => {
  const { height, kernelHeight, left, stride, top, width } = on.window
  const isAlone = isCentred(run, on)
  if (!isAlone && !isOwn(run, on.window))
    return run.one("DepthwiseConv2dNativeBackpropInput", on.attributes, run.ints(...on.shape), filter, dy)
  const attributes = [run.float, run.type("Tidx", run.types.int)]
  const rotated = run.one("ReverseV2", attributes, filter, run.ints(0, 1))
  if (isAlone) return run.one("DepthwiseConv2dNative", on.attributes, dy, rotated)
  const before = { top: kernelHeight - 1 - top, left: kernelHeight - 1 - left }
  const how = { kernel: kernelHeight, stride: 1, spread: stride, ...before, height, width }
  return slide(run, how, [dy, rotated, run.nothing], undefined)
}

type FilterShape = readonly [height: number, width: number, channels: number, filters: 1]

/** The gradient of the filter: by Weft's own operation where it knows the window. */
export const filterGradient = (run: Runner, on: RunWindow, shape: FilterShape, input: tf.Tensor, dy: tf.Tensor) => {
  const { kernelHeight, left, stride, top } = on.window
  if (!isOwn(run, on.window))
    return run.one("DepthwiseConv2dNativeBackpropFilter", on.attributes, input, run.ints(...shape), dy)
  const how = Object.entries({ kernel: kernelHeight, stride, top, left })
  const attributes = how.map(([name, value]) => run.int(name, value))
  return run.one("WeftDepthwiseFilterGrad", attributes, input, dy)
}

/** A convolution of each channel by itself, with what follows it. */
export const depthwiseConv2d =
  (run: Runner, activation: Clamp | undefined): Kernel<typeof DepthwiseConv2d.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight") // height, width, 1, channels
    const { filter, shape } = filterOf(run, block, weight)
    const on = runWindowOf(run, block, input)
    const plain = run.one("DepthwiseConv2dNative", on.attributes, input, filter)
    const finished = finish(run, block, activation, { input: plain, keep: false }, pass)
    return {
      output: finished.output,
      backward: (gradient, wanted) => {
        const dy = finished.backward(gradient)
        const change = filterGradient(run, on, shape, input, dy)
        pass.gradients.set(`${block.name}.weight`, run.reshape(change, weight.shape))
        const dx = wanted ? inputGradient(run, on, filter, dy) : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }
