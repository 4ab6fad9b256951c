import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import type { Inputs } from "../tfjs/kernel.ts"
import { kernelOf } from "../tfjs/kernel.ts"
import { channelsOf } from "../tfjs/shape.ts"
import type { Attributes } from "../tfjs/window.ts"
import { convolutionWindow, poolingWindow } from "../tfjs/window.ts"
import { conv2dFilterGradient } from "./conv2d.ts"
import { depthwiseFilterGradient } from "./depthwiseConv2d.ts"
import { maxPool, maxPoolGradient } from "./maxPool.ts"

/** The name under which TensorFlow.js knows the backend. */
export const backendName = "webgpu"

/** As the session calls the gradients of filters. */
const filterShapeOf = (attrs: Attributes) => attrs["filterShape"] as ReadonlyArray<number>

/** Our kernels, by the names that TensorFlow.js calls them by. */
const ours: Readonly<Record<string, (inputs: Inputs, attrs: Attributes, backend: WebGPUBackend) => tf.TensorInfo>> = {
  Conv2DBackpropFilter: kernelOf(["dy", "x"], ({ dy, x }, attrs, backend) =>
    conv2dFilterGradient(backend, convolutionWindow(x.shape, filterShapeOf(attrs), attrs), x, dy)
  ),
  DepthwiseConv2dNativeBackpropFilter: kernelOf(["dy", "x"], ({ dy, x }, attrs, backend) =>
    depthwiseFilterGradient(backend, convolutionWindow(x.shape, filterShapeOf(attrs), attrs, true), x, dy)
  ),
  MaxPool: kernelOf(["x"], ({ x }, attrs, backend) => maxPool(backend, poolingWindow(x.shape, attrs), x)),
  MaxPoolGrad: kernelOf(["dy", "input"], ({ dy, input }, attrs, backend) =>
    maxPoolGradient(backend, poolingWindow(input.shape, attrs), input, dy)
  )
}

/** TensorFlow.js's kernels that may multiply matrices. */
const multiplying = ["BatchMatMul", "_FusedMatMul", "Conv2D", "FusedConv2D"]

/** From this length on, TensorFlow.js adds up the parts of a product in the order in which they get ready... */
const longest = 2000

/** ...unless there are so few products that it gives each to one workgroup. */
const few = 128

/** How long the sums of a product are, and how many there are. */
const sumsOf = (inputs: Inputs, attrs: Attributes) =>
  inputs["filter"] === undefined ? sumsOfProduct(inputs, attrs) : sumsOfConvolution(inputs, attrs)

const sumsOfConvolution = kernelOf(["filter", "x"], ({ filter, x }) => {
  const channels = channelsOf(filter)
  const images = x.shape.slice(0, 1)
  return { length: tf.util.sizeFromShape(filter.shape) / channels, count: tf.util.sizeFromShape(images) * channels }
})

const sumsOfProduct = kernelOf(["a", "b"], ({ a, b }, { transposeA }) => {
  const length = channelsOf({ shape: transposeA === true ? a.shape.slice(0, -1) : a.shape })
  return { length, count: (tf.util.sizeFromShape(a.shape) / length) * (tf.util.sizeFromShape(b.shape) / length) }
})

/** The kernel with its sums always in one order. */
const inOrder =
  (kernel: tf.KernelFunc): tf.KernelFunc =>
  (args) => {
    const backend = args.backend as WebGPUBackend // kernels of its name are called with it
    const { count, length } = sumsOf(args.inputs, args.attrs ?? {})
    const threshold = backend.thresholdToIncreaseWorkgroups
    if (length >= longest && count > few) backend.thresholdToIncreaseWorkgroups = 0
    try {
      return kernel(args)
    } finally {
      backend.thresholdToIncreaseWorkgroups = threshold
    }
  }

let registered = false

/**
 * Puts kernels in the place of some of TensorFlow.js's. Its gradients of filters are one thread's work for each value,
 * however large the batch; its pooling loses NaN, and of equal values gives the gradient to the last; and a long sum of
 * few products is split among workgroups that add to the same number in any order. With these, the same numbers give
 * the same bits.
 */
export const registerKernels = (): void => {
  if (registered) return
  registered = true
  const replace = (kernelName: string, kernelFunc: tf.KernelFunc) => {
    tf.unregisterKernel(kernelName, backendName)
    tf.registerKernel({ kernelName, backendName, kernelFunc })
  }
  for (const name of multiplying) replace(name, inOrder(tf.getKernel(name, backendName).kernelFunc))
  for (const [name, kernel] of Object.entries(ours))
    replace(name, ({ attrs, backend, inputs }) => kernel(inputs, attrs ?? {}, backend as WebGPUBackend))
}
