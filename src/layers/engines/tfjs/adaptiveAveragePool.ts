import * as tf from "@tensorflow/tfjs-core"
import { averagingMatrix, averagingWindows } from "../../../model/averagingMatrix.ts"
import type { AdaptiveAveragePool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The means of windows along an axis of images, of some length. */
const windowMeans = (x: tf.Tensor, axis: 1 | 2, length: number, count: number): tf.Tensor => {
  const means = averagingWindows(length, count).map(({ from, to }) => {
    const [begin, size] = [x.shape.map(() => 0), [...x.shape]]
    begin[axis] = from
    size[axis] = to - from
    return tf.mean(tf.slice(x, begin, size), axis, true)
  })
  return tf.concat(means, axis)
}

/**
 * The means of windows; the same image where the windows are its pixels. Forward, rows and then columns are averaged: a
 * product with a matrix would carry NaN and infinities into windows that they are not in. The gradient is such a product.
 */
export const adaptiveAveragePool: Kernel<typeof AdaptiveAveragePool.Type> = (block, input) => {
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  const [rows, columns] = block.size
  if (height === rows && width === columns)
    return { output: tf.clone(input), backward: (gradient, wanted) => (wanted ? tf.clone(gradient) : undefined) }
  if (rows * columns === 1)
    return {
      output: tf.mean(input, [1, 2], true),
      backward: (gradient, wanted) =>
        wanted ? tf.mul(tf.ones(input.shape), tf.div(gradient, height * width)) : undefined
    }
  const inputGradient = (gradient: tf.Tensor) => {
    const matrix = tf.tensor2d(averagingMatrix([height, width], block.size), [rows * columns, height * width])
    const windows = tf.reshape(tf.transpose(gradient, [1, 2, 0, 3]), [rows * columns, size * channels])
    const pixels = tf.matMul(matrix, windows, true, false)
    return tf.transpose(tf.reshape(pixels, [height, width, size, channels]), [2, 0, 1, 3])
  }
  return {
    output: windowMeans(windowMeans(input, 1, height, rows), 2, width, columns),
    backward: (gradient, wanted) => (wanted ? inputGradient(gradient) : undefined)
  }
}
