import * as tf from "@tensorflow/tfjs-core"
import type {
  Activation,
  AdaptiveAveragePool,
  BatchNorm,
  Dense,
  Dropout,
  Flatten,
  GlobalAveragePool
} from "../../model/Block.ts"
import { averagingMatrix, averagingWindows } from "../../model/averagingMatrix.ts"
import { intoLinear } from "./convolutions.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** x W + b, with the rectifier that follows it. */
export const dense =
  (rectifier: typeof Activation.Type | undefined): Kernel<typeof Dense.Type> =>
  (block, input, pass) => {
    const weight = weightOf(pass, block, "weight")
    const output = tf.fused.matMul({
      a: input,
      b: weight,
      activation: rectifier?.kind ?? "linear",
      ...(block.bias ? { bias: weightOf(pass, block, "bias") } : {})
    })
    return {
      output,
      backward: (gradient, wanted) => {
        const dy = intoLinear(block, rectifier, output, gradient, pass)
        pass.gradients.set(`${block.name}.weight`, tf.matMul(input, dy, true, false))
        return wanted ? tf.matMul(dy, weight, false, true) : undefined
      }
    }
  }

/** A rectifier that follows neither a convolution nor a dense block. */
export const activation: Kernel<typeof Activation.Type> = ({ kind }, input, { operators }) => {
  const output = kind === "relu" ? tf.relu(input) : tf.relu6(input)
  return {
    output,
    backward: (gradient, wanted) => (wanted ? operators.rectified(gradient, output, kind).gradient : undefined)
  }
}

/** See the block. Source: Ioffe and Szegedy, 2015. A batch with one value a channel takes its biased variance, 0. */
export const batchNorm: Kernel<typeof BatchNorm.Type> = (block, input, pass) => {
  const weight = weightOf<tf.Rank.R1>(pass, block, "weight")
  const bias = weightOf<tf.Rank.R1>(pass, block, "bias")
  const runningMean = weightOf<tf.Rank.R1>(pass, block, "running_mean")
  const runningVariance = weightOf<tf.Rank.R1>(pass, block, "running_var")
  const { channelSums } = pass.operators
  const count = input.size / weight.size
  const batch = () => {
    const mean = tf.div(channelSums(input), count)
    return { mean, variance: tf.div(channelSums(tf.squaredDifference(input, mean)), count) }
  }
  const { mean, variance } = pass.batchFigures ? batch() : { mean: runningMean, variance: runningVariance }
  const scale = tf.rsqrt(tf.add(variance, block.eps))
  const normal = tf.mul(tf.sub(input, mean), scale)
  if (pass.batchFigures) {
    const move = (from: tf.Tensor, to: tf.Tensor) =>
      tf.add(tf.mul(from, 1 - block.momentum), tf.mul(to, block.momentum))
    const unbiased = tf.mul(variance, count > 1 ? count / (count - 1) : 1)
    pass.running.set(`${block.name}.running_mean`, move(runningMean, mean))
    pass.running.set(`${block.name}.running_var`, move(runningVariance, unbiased))
  }
  return {
    output: tf.add(tf.mul(normal, weight), bias),
    backward: (dy, wanted) => {
      const biasGradient = channelSums(dy)
      const weightGradient = channelSums(tf.mul(dy, normal))
      pass.gradients.set(`${block.name}.bias`, biasGradient)
      pass.gradients.set(`${block.name}.weight`, weightGradient)
      if (!wanted) return undefined
      if (!pass.batchFigures) return tf.mul(dy, tf.mul(weight, scale))
      // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
      const shared = tf.div(tf.add(biasGradient, tf.mul(normal, weightGradient)), count)
      return tf.mul(tf.sub(dy, shared), tf.mul(weight, scale))
    }
  }
}

/** Each value is kept with probability 1 - rate and scaled by 1 / (1 - rate), drawn in the values' order. */
export const dropout: Kernel<typeof Dropout.Type> = (block, input, pass) => {
  if (!pass.training) return { output: input, backward: (gradient) => gradient }
  // A tensor may share the memory that it is made of: the mask is not ours alone.
  const mask = tf.tensor(pass.mask(block, input.size).slice(), input.shape)
  return {
    output: tf.mul(input, mask),
    backward: (gradient, wanted) => (wanted ? tf.mul(gradient, mask) : undefined)
  }
}

/** Images as rows, channel by channel: the order in which PyTorch flattens. */
export const flatten: Kernel<typeof Flatten.Type> = (_block, input) => {
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  return {
    output: tf.reshape(tf.transpose(input, [0, 3, 1, 2]), [size, channels * height * width]),
    backward: (gradient, wanted) =>
      wanted ? tf.transpose(tf.reshape(gradient, [size, channels, height, width]), [0, 2, 3, 1]) : undefined
  }
}

/** The mean of each channel over the image. */
export const globalAveragePool: Kernel<typeof GlobalAveragePool.Type> = (_block, input) => {
  const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
  return {
    output: tf.mean(input, [1, 2]),
    backward: (gradient, wanted) =>
      wanted
        ? tf.mul(tf.ones(input.shape), tf.reshape(tf.div(gradient, height * width), [size, 1, 1, channels]))
        : undefined
  }
}

/** The means of windows along an axis of images. */
const windowMeans = (x: tf.Tensor, axis: 1 | 2, count: number): tf.Tensor => {
  const length = x.shape[axis]!
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
  const inputGradient = (gradient: tf.Tensor) => {
    const matrix = tf.tensor2d(averagingMatrix([height, width], block.size), [rows * columns, height * width])
    const windows = tf.reshape(tf.transpose(gradient, [1, 2, 0, 3]), [rows * columns, size * channels])
    const pixels = tf.matMul(matrix, windows, true, false)
    return tf.transpose(tf.reshape(pixels, [height, width, size, channels]), [2, 0, 1, 3])
  }
  return {
    output: windowMeans(windowMeans(input, 1, rows), 2, columns),
    backward: (gradient, wanted) => (wanted ? inputGradient(gradient) : undefined)
  }
}
