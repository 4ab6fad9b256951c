import type { BatchNorm } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** Mean and biased variance of each channel, in two passes (a sum of squares would lose digits). */
const moments = (data: Float32Array, channels: number) => {
  const count = data.length / channels
  const mean = new Float64Array(channels)
  const variance = new Float64Array(channels)
  for (let i = 0; i < data.length; i++) mean[i % channels]! += data[i]! / count
  for (let i = 0; i < data.length; i++) variance[i % channels]! += (data[i]! - mean[i % channels]!) ** 2 / count
  return { mean, variance }
}

/** Moves a running statistic by `momentum` towards a batch's. */
const move = (running: Float32Array, towards: Float64Array, momentum: number, factor: number): void => {
  for (let c = 0; c < running.length; c++) running[c] = (1 - momentum) * running[c]! + momentum * factor * towards[c]!
}

/**
 * y = weight (x - mean) / sqrt(variance + eps) + bias, for each channel. Source: Ioffe and Szegedy, 2015.
 *
 * Mean and variance are the batch's in training, unless it keeps the running ones, and the running ones in inference. A
 * batch with one value a channel has no unbiased variance; its biased one (0) is then taken.
 */
export const batchNorm: Kernel<typeof BatchNorm.Type> = (block, input, pass) => {
  const { data } = input
  const weight = weightOf(pass, block, "weight")
  const bias = weightOf(pass, block, "bias")
  const runningMean = weightOf(pass, block, "running_mean")
  const runningVariance = weightOf(pass, block, "running_var")
  const channels = weight.length
  const count = data.length / channels
  const batch = pass.batchStatistics ? moments(data, channels) : undefined
  const mean = batch?.mean ?? runningMean
  const scale = Float64Array.from(batch?.variance ?? runningVariance, (variance) => 1 / Math.sqrt(variance + block.eps))
  const normal = (i: number) => (data[i]! - mean[i % channels]!) * scale[i % channels]!
  const output = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) output[i] = weight[i % channels]! * normal(i) + bias[i % channels]!
  if (batch !== undefined) {
    move(runningMean, batch.mean, block.momentum, 1)
    move(runningVariance, batch.variance, block.momentum, count > 1 ? count / (count - 1) : 1)
  }
  return {
    output: { shape: input.shape, data: output },
    backward: (gradient) => {
      const weightGradient = new Float64Array(channels)
      const biasGradient = new Float64Array(channels)
      for (let i = 0; i < data.length; i++) {
        weightGradient[i % channels]! += gradient[i]! * normal(i)
        biasGradient[i % channels]! += gradient[i]!
      }
      pass.gradients.set(`${block.name}.weight`, new Float32Array(weightGradient))
      pass.gradients.set(`${block.name}.bias`, new Float32Array(biasGradient))
      // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
      return gradient.map((g, i) => {
        const c = i % channels
        if (batch === undefined) return weight[c]! * scale[c]! * g
        const shared = (biasGradient[c]! + normal(i) * weightGradient[c]!) / count
        return weight[c]! * scale[c]! * (g - shared)
      })
    }
  }
}
