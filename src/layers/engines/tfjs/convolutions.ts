import * as tf from "@tensorflow/tfjs-core"
import type { Activation, Conv2d, DepthwiseConv2d, MaxPool, Padding } from "../../../model/Block.ts"
import type { Kernel, Pass } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

type Rectifier = typeof Activation.Type

const images = (x: tf.Tensor) => x as tf.Tensor4D // the network's shapes were checked

/** The gradient in front of a rectifier and a bias; keeps the bias's own. */
export const intoLinear = (
  block: { readonly name: string; readonly bias: boolean },
  rectifier: Rectifier | undefined,
  output: tf.Tensor,
  gradient: tf.Tensor,
  { gradients, operators }: Pass
): tf.Tensor => {
  const name = `${block.name}.bias`
  if (rectifier === undefined) {
    if (block.bias) gradients.set(name, operators.channelSums(gradient))
    return gradient
  }
  const rectified = operators.rectified(gradient, output, rectifier.kind)
  if (block.bias) gradients.set(name, rectified.sums)
  return rectified.gradient
}

/** One number for all sides would be taken for square kernels: TensorFlow.js 4.22 then forgets the kernel's width. */
const padOf = (padding: Padding) => {
  if (padding === "same") return padding
  const none: [number, number] = [0, 0]
  const both: [number, number] = [padding, padding]
  return [none, both, both, none] satisfies tf.backend_util.ExplicitPadding
}

/** As the gradients' kernels take them. */
const attributes = (stride: number, padding: Padding) => ({
  strides: [stride, stride],
  pad: padOf(padding),
  dataFormat: "NHWC"
})

const run = (name: string, inputs: tf.NamedTensorMap, attrs: Record<string, unknown>): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap)

/** A convolution with its bias, and with the rectifier that follows it. */
export const conv2d =
  (rectifier: Rectifier | undefined): Kernel<typeof Conv2d.Type> =>
  (block, input, pass) => {
    const filter = weightOf<tf.Rank.R4>(pass, block, "weight")
    const attrs = attributes(block.stride, block.padding)
    const output = tf.fused.conv2d({
      x: images(input),
      filter,
      strides: block.stride,
      pad: padOf(block.padding),
      activation: rectifier?.kind ?? "linear",
      ...(block.bias ? { bias: weightOf(pass, block, "bias") } : {})
    })
    return {
      output,
      backward: (gradient, wanted) => {
        const dy = intoLinear(block, rectifier, output, gradient, pass)
        const filterShape = filter.shape
        pass.gradients.set(
          `${block.name}.weight`,
          run("Conv2DBackpropFilter", { x: input, dy }, { ...attrs, filterShape })
        )
        const dx = wanted
          ? run("Conv2DBackpropInput", { dy, filter }, { ...attrs, inputShape: input.shape })
          : undefined
        if (dy !== gradient) dy.dispose()
        return dx
      }
    }
  }

/** A convolution of each channel by itself. */
export const depthwiseConv2d: Kernel<typeof DepthwiseConv2d.Type> = (block, input, pass) => {
  const weight = weightOf(pass, block, "weight") // height, width, 1, channels
  const filterShape: [number, number, number, number] = [...block.kernel, weight.shape[3]!, 1]
  const filter = tf.reshape(weight, filterShape) as tf.Tensor4D // just given this shape
  const plain = tf.depthwiseConv2d(images(input), filter, block.stride, padOf(block.padding))
  return {
    output: block.bias ? tf.add(plain, weightOf(pass, block, "bias")) : plain,
    backward: (gradient, wanted) => {
      const dy = intoLinear(block, undefined, plain, gradient, pass)
      const attrs = { ...attributes(block.stride, block.padding), dilations: [1, 1] }
      const name = "DepthwiseConv2dNativeBackprop"
      const dw = run(`${name}Filter`, { x: input, dy }, { ...attrs, filterShape })
      pass.gradients.set(`${block.name}.weight`, tf.reshape(dw, weight.shape))
      return wanted ? run(`${name}Input`, { dy, filter }, { ...attrs, inputShape: input.shape }) : undefined
    }
  }
}

/** The largest value of each window; what is padded is smaller than any number. */
export const maxPool: Kernel<typeof MaxPool.Type> = ({ padding, size, stride }, input) => {
  const output = tf.maxPool(images(input), size, stride, padding)
  const attrs = { strides: [stride, stride], pad: padding, filterSize: [size, size] }
  return {
    output,
    backward: (dy, wanted) => (wanted ? run("MaxPoolGrad", { dy, input, output }, attrs) : undefined)
  }
}
