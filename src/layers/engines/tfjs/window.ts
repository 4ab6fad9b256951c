import * as tf from "@tensorflow/tfjs-core"
import type { Padding } from "../../../model/Block.ts"
import type { Window } from "../../../model/shapes.ts"

/** A convolution's padding. One number would be taken for square kernels: TensorFlow.js 4.22 then forgets the width. */
export const padOf = (padding: Padding) => {
  if (padding === "same") return padding
  const none: [number, number] = [0, 0]
  const both: [number, number] = [padding, padding]
  return [none, both, both, none] satisfies tf.backend_util.ExplicitPadding
}

/** A stride and a padding as the kernels of gradients take them. */
export const attributesOf = ({ padding, stride }: { readonly stride: number; readonly padding: Padding }) => ({
  strides: [stride, stride],
  pad: padOf(padding),
  dataFormat: "NHWC"
})

/** Runs a kernel that gives one tensor. */
export const runKernel = (name: string, inputs: tf.NamedTensorMap, attributes: Record<string, unknown>): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap)

/** The network's shapes were checked: this is a tensor of images. */
export const images = (x: tf.Tensor) => x as tf.Tensor4D

/** A window, and the images that it slides over. */
export interface WindowOnImages extends Window {
  readonly images: number
  readonly channels: number
}

/** What kernels take of a window on each image; its padding at the end follows from the rest. */
export const windowFields = [
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "kernelHeight",
  "kernelWidth",
  "stride",
  "top",
  "left"
] as const satisfies ReadonlyArray<keyof WindowOnImages>

export type WindowField = (typeof windowFields)[number]

type Four = [number, number, number, number]

/** What a kernel is called with beside its inputs. */
export type Attributes = Readonly<Record<string, unknown>>

const fromInfo = (info: tf.backend_util.Conv2DInfo): WindowOnImages => {
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1 || info.strideHeight !== info.strideWidth)
    throw new Error("only windows without dilation and with one stride")
  const { bottom, left, right, top } = info.padInfo
  return {
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    kernelHeight: info.filterHeight,
    kernelWidth: info.filterWidth,
    stride: info.strideHeight,
    top,
    bottom,
    left,
    right
  }
}

/** The window of a convolution's kernel, as TensorFlow.js calls it: shapes of images (NHWC) and filter (HWIO or HWC1). */
export const convolutionWindow = (
  x: ReadonlyArray<number>,
  filter: ReadonlyArray<number>,
  { dimRoundingMode, pad, strides }: Attributes,
  depthwise = false
): WindowOnImages =>
  fromInfo(
    tf.backend_util.computeConv2DInfo(
      x as Four, // images and filters have four axes, and the attributes are those of TensorFlow.js's kernels
      filter as Four,
      strides as number,
      1,
      pad as number,
      dimRoundingMode as "floor",
      depthwise
    )
  )

/** The window of a pooling's kernel, as TensorFlow.js calls it. */
export const poolingWindow = (
  x: ReadonlyArray<number>,
  { dimRoundingMode, filterSize, pad, strides }: Attributes
): WindowOnImages =>
  fromInfo(
    tf.backend_util.computePool2DInfo(
      x as Four, // images have four axes, and the attributes are those of TensorFlow.js's kernels
      filterSize as number,
      strides as number,
      1,
      pad as number,
      dimRoundingMode as "floor"
    )
  )
