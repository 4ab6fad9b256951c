import type * as tf from "@tensorflow/tfjs-core"
import { channelsOf } from "../tfjs/shape.ts"
import type { WindowOnImages } from "../tfjs/window.ts"
import type { Machine } from "./Machine.ts"
import type { Finish } from "./multiply.ts"
import { slide, slideGradient, withPadding } from "./multiply.ts"

/** The images with their padding: every pixel that a window covers, and no other. */
const covered = ({ kernelHeight, kernelWidth, left, outHeight, outWidth, stride, top }: WindowOnImages) => ({
  height: (outHeight - 1) * stride + kernelHeight,
  width: (outWidth - 1) * stride + kernelWidth,
  top,
  left
})

const kernelOf = ({ kernelHeight, kernelWidth, stride }: WindowOnImages) => ({
  height: kernelHeight,
  width: kernelWidth,
  stride
})

/** Where every output pixel sees one input pixel, an image is one line: no rests at the ends of rows. */
const flatten = (window: WindowOnImages): WindowOnImages => {
  const { height, kernelHeight, kernelWidth, outHeight, outWidth, stride, width } = window
  if (kernelHeight * kernelWidth * stride !== 1 || outHeight !== height || outWidth !== width) return window
  return { ...window, height: 1, outHeight: 1, width: height * width, outWidth: height * width }
}

/** A convolution of NHWC images with an HWIO filter. */
export const conv2d = (
  machine: Machine,
  given: WindowOnImages,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  finish: Finish
): tf.TensorInfo => {
  const columns = channelsOf(filter)
  const out = machine.output([given.images, given.outHeight, given.outWidth, columns])
  const window = flatten(given)
  const { channels, height, images, kernelHeight, kernelWidth, outHeight, outWidth, width } = window
  const right = {
    from: machine.address(filter),
    taps: kernelHeight * kernelWidth,
    tapStep: channels * columns,
    depth: channels,
    rowStep: columns,
    columnStep: 1,
    columns
  }
  withPadding(machine, { at: machine.address(x), height, width }, window, covered(window), 1, (padded) =>
    slide(
      machine,
      padded,
      { images, channels, lines: outHeight, count: outWidth },
      kernelOf(window),
      right,
      machine.address(out),
      finish
    )
  )
  return out
}

/** The gradient of the filter. */
export const conv2dFilterGradient = (
  machine: Machine,
  given: WindowOnImages,
  x: tf.TensorInfo,
  dy: tf.TensorInfo
): tf.TensorInfo => {
  const columns = channelsOf(dy)
  const window = flatten(given)
  const { channels, height, images, kernelHeight, kernelWidth, outHeight, outWidth, width } = window
  const out = machine.output([kernelHeight, kernelWidth, channels, columns])
  withPadding(machine, { at: machine.address(x), height, width }, window, covered(window), 1, (padded) =>
    slideGradient(
      machine,
      padded,
      { images, channels, lines: outHeight, count: outWidth },
      kernelOf(window),
      machine.address(dy),
      columns,
      machine.address(out)
    )
  )
  return out
}

/**
 * The gradient of the images: a convolution of stride 1 of dy, its pixels `stride` apart among zeros, with the filter
 * rotated by half a turn and its channels exchanged.
 */
export const conv2dInputGradient = (
  machine: Machine,
  given: WindowOnImages,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo
): tf.TensorInfo => {
  const out = machine.output([given.images, given.height, given.width, given.channels])
  const window = flatten(given)
  const { channels, height, images, kernelHeight, kernelWidth, left, outHeight, outWidth, stride, top, width } = window
  const depth = channelsOf(dy)
  const taps = kernelHeight * kernelWidth
  const tap = channels * depth
  const right = {
    from: machine.address(filter) + (taps - 1) * tap * Float32Array.BYTES_PER_ELEMENT,
    taps,
    tapStep: -tap,
    depth,
    rowStep: 1,
    columnStep: depth,
    columns: channels
  }
  const to = {
    height: height + kernelHeight - 1,
    width: width + kernelWidth - 1,
    top: kernelHeight - 1 - top,
    left: kernelWidth - 1 - left
  }
  const from = { at: machine.address(dy), height: outHeight, width: outWidth }
  withPadding(machine, from, { images, channels: depth }, to, stride, (padded) =>
    slide(
      machine,
      padded,
      { images, channels: depth, lines: height, count: width },
      { height: kernelHeight, width: kernelWidth, stride: 1 },
      right,
      machine.address(out),
      { bias: undefined, low: -Infinity, high: Infinity }
    )
  )
  return out
}
