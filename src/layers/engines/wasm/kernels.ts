import * as tf from "@tensorflow/tfjs-core"
import type { Inputs } from "../tfjs/kernel.ts"
import { kernelOf } from "../tfjs/kernel.ts"
import type { Attributes, WindowOnImages } from "../tfjs/window.ts"
import { convolutionWindow, poolingWindow } from "../tfjs/window.ts"
import { activation } from "./activation.ts"
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from "./conv2d.ts"
import { depthwiseConvolve, depthwiseFilterGradient, depthwiseInputGradient } from "./depthwiseConv2d.ts"
import type { Machine } from "./Machine.ts"
import { maxPool, maxPoolGradient } from "./maxPool.ts"
import type { Finish } from "./multiply.ts"
import { matMul, plain } from "./multiply.ts"
import { backendName } from "./openBackend.ts"
import { float } from "./Task.ts"

type Kernel = (inputs: Inputs, attributes: Attributes) => tf.TensorInfo

const highs: Readonly<Record<string, number>> = { relu: Infinity, relu6: 6 }

const finishOf = (machine: Machine, bias: tf.TensorInfo | undefined, activation: unknown): Finish => {
  const high = highs[String(activation)]
  return {
    bias: bias === undefined || bias === null ? undefined : machine.address(bias),
    low: high === undefined ? -Infinity : 0,
    high: high ?? Infinity
  }
}

const poolArguments = (machine: Machine, window: WindowOnImages, x: tf.TensorInfo, y: tf.TensorInfo) => ({
  ...window,
  x: machine.address(x),
  y: machine.address(y)
})

/** Numbers that are clamped at once. */
const atOnce = 65536

const relu = (machine: Machine, x: tf.TensorInfo, high: number): tf.TensorInfo => {
  const y = machine.output(x.shape)
  const length = tf.util.sizeFromShape(x.shape)
  const args = { x: machine.address(x), y: machine.address(y), length, atOnce, high }
  machine.crew.run(activation, args, Math.ceil(length / atOnce))
  return y
}

/** Our kernels, by the names that TensorFlow.js calls them by. */
const kernels = (machine: Machine): Readonly<Record<string, Kernel>> => ({
  Conv2D: kernelOf(["filter", "x"], ({ filter, x }, attributes) =>
    conv2d(machine, convolutionWindow(x.shape, filter.shape, attributes), x, filter, plain)
  ),
  FusedConv2D: kernelOf(["filter", "x"], ({ bias, filter, x }, attributes) =>
    conv2d(
      machine,
      convolutionWindow(x.shape, filter.shape, attributes),
      x,
      filter,
      finishOf(machine, bias, attributes["activation"])
    )
  ),
  Conv2DBackpropFilter: kernelOf(["dy", "x"], ({ dy, x }, attributes) =>
    conv2dFilterGradient(
      machine,
      convolutionWindow(x.shape, attributes["filterShape"] as ReadonlyArray<number>, attributes),
      x,
      dy
    )
  ),
  Conv2DBackpropInput: kernelOf(["dy", "filter"], ({ dy, filter }, attributes) =>
    conv2dInputGradient(
      machine,
      convolutionWindow(attributes["inputShape"] as ReadonlyArray<number>, filter.shape, attributes),
      dy,
      filter
    )
  ),
  DepthwiseConv2dNative: kernelOf(["filter", "x"], ({ filter, x }, attributes) => {
    const window = convolutionWindow(x.shape, filter.shape, attributes, true)
    const out = machine.output([window.images, window.outHeight, window.outWidth, window.channels])
    machine.crew.run(
      depthwiseConvolve,
      { ...window, x: machine.address(x), filter: machine.address(filter), out: machine.address(out) },
      window.images
    )
    return out
  }),
  DepthwiseConv2dNativeBackpropFilter: kernelOf(["dy", "x"], ({ dy, x }, attributes) => {
    const shape = attributes["filterShape"] as ReadonlyArray<number>
    const window = convolutionWindow(x.shape, shape, attributes, true)
    const out = machine.output(shape)
    const taps = window.kernelHeight * window.kernelWidth
    machine.withRoom(taps * window.channels * float, (sums) =>
      machine.crew.run(
        depthwiseFilterGradient,
        { ...window, x: machine.address(x), dy: machine.address(dy), sums, out: machine.address(out) },
        taps
      )
    )
    return out
  }),
  DepthwiseConv2dNativeBackpropInput: kernelOf(["dy", "filter"], ({ dy, filter }, attributes) => {
    const shape = attributes["inputShape"] as ReadonlyArray<number>
    const window = convolutionWindow(shape, filter.shape, attributes, true)
    const out = machine.output(shape)
    machine.crew.run(
      depthwiseInputGradient,
      { ...window, dy: machine.address(dy), filter: machine.address(filter), dx: machine.address(out) },
      window.images
    )
    return out
  }),
  MaxPool: kernelOf(["x"], ({ x }, attributes) => {
    const window = poolingWindow(x.shape, attributes)
    const y = machine.output([window.images, window.outHeight, window.outWidth, window.channels])
    machine.crew.run(maxPool, poolArguments(machine, window, x, y), window.images)
    return y
  }),
  MaxPoolGrad: kernelOf(["dy", "input", "output"], ({ dy, input, output }, attributes) => {
    const window = poolingWindow(input.shape, attributes)
    const dx = machine.output(input.shape)
    const args = poolArguments(machine, window, input, output)
    machine.crew.run(maxPoolGradient, { ...args, dy: machine.address(dy), dx: machine.address(dx) }, window.images)
    return dx
  }),
  Relu: kernelOf(["x"], ({ x }) => relu(machine, x, Infinity)),
  Relu6: kernelOf(["x"], ({ x }) => relu(machine, x, 6)),
  BatchMatMul: kernelOf(["a", "b"], ({ a, b }, { transposeA, transposeB }) =>
    matMul(machine, a, b, transposeA === true, transposeB === true, plain)
  ),
  _FusedMatMul: kernelOf(["a", "b"], ({ a, b, bias }, { activation, transposeA, transposeB }) =>
    matMul(machine, a, b, transposeA === true, transposeB === true, finishOf(machine, bias, activation))
  )
})

/**
 * Gives TensorFlow.js's wasm backend the gradients that it lacks (those of filters, and of depthwise convolutions),
 * and faster kernels for what takes the time.
 *
 * Those of its own that keep a filter packed must not be called with our weights, which change in place. Its
 * activations make 0 of NaN, and ours do not.
 */
export const registerKernels = (machine: Machine): void => {
  for (const [kernelName, kernel] of Object.entries(kernels(machine))) {
    if (tf.getKernel(kernelName, backendName) != null) tf.unregisterKernel(kernelName, backendName)
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ attrs, inputs }) => kernel(inputs, attrs ?? {})
    })
  }
}
