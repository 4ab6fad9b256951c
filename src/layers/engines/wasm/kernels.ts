import * as tf from "@tensorflow/tfjs-core"
import {
  cut,
  depthwiseConvolve,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  maxPool,
  maxPoolGradient
} from "./channelTasks.ts"
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from "./convolutions.ts"
import type { Geometry, Machine } from "./Machine.ts"
import { geometryOf } from "./Machine.ts"
import type { Finish } from "./multiply.ts"
import { matMul, plain } from "./multiply.ts"
import { backendName } from "./openBackend.ts"
import { float } from "./Task.ts"

type Four = [number, number, number, number]
type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>
type Attributes = Readonly<Record<string, unknown>>
type Kernel = (inputs: Inputs, attributes: Attributes) => tf.TensorInfo

/** A convolution's shapes; the attributes are those of TensorFlow.js's kernels. */
const convolution = (
  x: ReadonlyArray<number>,
  filter: ReadonlyArray<number>,
  { dimRoundingMode, pad, strides }: Attributes,
  depthwise = false
): Geometry =>
  geometryOf(
    tf.backend_util.computeConv2DInfo(
      x as Four,
      filter as Four,
      strides as number,
      1,
      pad as number,
      dimRoundingMode as "floor",
      depthwise
    )
  )

const pooling = (x: tf.TensorInfo, { dimRoundingMode, filterSize, pad, strides }: Attributes): Geometry =>
  geometryOf(
    tf.backend_util.computePool2DInfo(
      x.shape as Four,
      filterSize as number,
      strides as number,
      1,
      pad as number,
      dimRoundingMode as "floor"
    )
  )

const highs: Readonly<Record<string, number>> = { relu: Infinity, relu6: 6 }

const finishOf = (machine: Machine, bias: tf.TensorInfo | undefined, activation: unknown): Finish => {
  const high = highs[String(activation)]
  return {
    bias: bias === undefined || bias === null ? undefined : machine.address(bias),
    low: high === undefined ? -Infinity : 0,
    high: high ?? Infinity
  }
}

const poolArguments = (machine: Machine, geometry: Geometry, x: tf.TensorInfo, y: tf.TensorInfo) => ({
  ...geometry,
  size: geometry.kernelHeight,
  x: machine.address(x),
  y: machine.address(y)
})

/** Numbers that are cut at once. */
const atOnce = 65536

const rectifier = (machine: Machine, x: tf.TensorInfo, high: number): tf.TensorInfo => {
  const y = machine.output(x.shape)
  const length = tf.util.sizeFromShape(x.shape)
  const args = { x: machine.address(x), y: machine.address(y), length, atOnce, high }
  machine.crew.run(cut, args, Math.ceil(length / atOnce))
  return y
}

/** Our kernels, by the names that TensorFlow.js calls them by. The inputs are those that each is called with. */
const kernels = (machine: Machine): Readonly<Record<string, Kernel>> => ({
  Conv2D: ({ filter, x }, attributes) =>
    conv2d(machine, convolution(x!.shape, filter!.shape, attributes), x!, filter!, plain),
  FusedConv2D: ({ bias, filter, x }, attributes) =>
    conv2d(
      machine,
      convolution(x!.shape, filter!.shape, attributes),
      x!,
      filter!,
      finishOf(machine, bias, attributes["activation"])
    ),
  Conv2DBackpropFilter: ({ dy, x }, attributes) =>
    conv2dFilterGradient(machine, convolution(x!.shape, attributes["filterShape"] as Four, attributes), x!, dy!),
  Conv2DBackpropInput: ({ dy, filter }, attributes) =>
    conv2dInputGradient(
      machine,
      convolution(attributes["inputShape"] as Four, filter!.shape, attributes),
      dy!,
      filter!
    ),
  DepthwiseConv2dNative: ({ filter, x }, attributes) => {
    const geometry = convolution(x!.shape, filter!.shape, attributes, true)
    const out = machine.output([geometry.images, geometry.outHeight, geometry.outWidth, geometry.channels])
    machine.crew.run(
      depthwiseConvolve,
      { ...geometry, x: machine.address(x!), filter: machine.address(filter!), out: machine.address(out) },
      geometry.images
    )
    return out
  },
  DepthwiseConv2dNativeBackpropFilter: ({ dy, x }, attributes) => {
    const shape = attributes["filterShape"] as Four
    const geometry = convolution(x!.shape, shape, attributes, true)
    const out = machine.output(shape)
    const taps = geometry.kernelHeight * geometry.kernelWidth
    machine.withRoom(taps * geometry.channels * float, (sums) =>
      machine.crew.run(
        depthwiseFilterGradient,
        { ...geometry, x: machine.address(x!), dy: machine.address(dy!), sums, out: machine.address(out) },
        taps
      )
    )
    return out
  },
  DepthwiseConv2dNativeBackpropInput: ({ dy, filter }, attributes) => {
    const shape = attributes["inputShape"] as Four
    const geometry = convolution(shape, filter!.shape, attributes, true)
    const out = machine.output(shape)
    machine.crew.run(
      depthwiseInputGradient,
      { ...geometry, dy: machine.address(dy!), filter: machine.address(filter!), dx: machine.address(out) },
      geometry.images
    )
    return out
  },
  MaxPool: ({ x }, attributes) => {
    const geometry = pooling(x!, attributes)
    const y = machine.output([geometry.images, geometry.outHeight, geometry.outWidth, geometry.channels])
    machine.crew.run(maxPool, poolArguments(machine, geometry, x!, y), geometry.images)
    return y
  },
  MaxPoolGrad: ({ dy, input, output }, attributes) => {
    const geometry = pooling(input!, attributes)
    const dx = machine.output(input!.shape)
    const args = poolArguments(machine, geometry, input!, output!)
    machine.crew.run(maxPoolGradient, { ...args, dy: machine.address(dy!), dx: machine.address(dx) }, geometry.images)
    return dx
  },
  Relu: ({ x }) => rectifier(machine, x!, Infinity),
  Relu6: ({ x }) => rectifier(machine, x!, 6),
  BatchMatMul: ({ a, b }, { transposeA, transposeB }) =>
    matMul(machine, a!, b!, transposeA === true, transposeB === true, plain),
  _FusedMatMul: ({ a, b, bias }, { activation, transposeA, transposeB }) =>
    matMul(machine, a!, b!, transposeA === true, transposeB === true, finishOf(machine, bias, activation))
})

/**
 * Gives TensorFlow.js's wasm backend the gradients that it lacks (those of filters, and of depthwise convolutions),
 * and faster kernels for what takes the time.
 *
 * Those of its own that keep a filter packed must not be called with our weights, which change in place. Its rectifiers
 * turn NaN into 0, and ours do not.
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
