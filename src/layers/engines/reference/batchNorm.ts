import type { BatchNorm } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** A channel's statistics. */
interface Moments {
  readonly mean: number
  readonly variance: number
}

/** Mean and biased variance of each channel, in two passes (a sum of squares would lose digits). */
const momentsOf = (data: Float32Array, channels: number): ReadonlyArray<Moments> => {
  const count = data.length / channels
  return Array.from({ length: channels }, (_, c) => {
    let mean = 0
    let variance = 0
    for (let i = c; i < data.length; i += channels) mean += data[i]! / count
    for (let i = c; i < data.length; i += channels) variance += (data[i]! - mean) ** 2 / count
    return { mean, variance }
  })
}

/**
 * y = weight (x - mean) / sqrt(variance + eps) + bias, for each channel. Source: Ioffe and Szegedy, 2015.
 *
 * Mean and variance are the batch's in training, unless it keeps the running ones, and the running ones in inference. A
 * batch with one value a channel has no unbiased variance; its biased one (0) is then taken.
 */
export const batchNorm: Kernel<typeof BatchNorm.Type> = (block, input, pass) => {
  const { data } = input
  const { eps, momentum, name } = block
  const weights = weightOf(pass, block, "weight")
  const biases = weightOf(pass, block, "bias")
  const means = weightOf(pass, block, "running_mean")
  const variances = weightOf(pass, block, "running_var")
  const channels = weights.length
  const count = data.length / channels
  const batch = pass.batchStatistics ? momentsOf(data, channels) : undefined
  const moments = batch ?? Array.from(means, (mean, c): Moments => ({ mean, variance: variances[c]! }))
  const all = moments.map(({ mean, variance }, c) => ({
    c,
    mean,
    scale: 1 / Math.sqrt(variance + eps),
    weight: weights[c]!,
    bias: biases[c]!
  }))
  const output = new Float32Array(data.length)
  for (const { bias, c, mean, scale, weight } of all)
    for (let i = c; i < data.length; i += channels) output[i] = weight * ((data[i]! - mean) * scale) + bias
  for (const [c, { mean, variance }] of batch?.entries() ?? []) {
    const unbiased = count > 1 ? count / (count - 1) : 1
    means[c] = (1 - momentum) * means[c]! + momentum * mean
    variances[c] = (1 - momentum) * variances[c]! + momentum * unbiased * variance
  }
  return {
    output: { shape: input.shape, data: output },
    backward: (gradient) => {
      const weightGradient = new Float32Array(channels)
      const biasGradient = new Float32Array(channels)
      const inputGradient = new Float32Array(data.length)
      for (const { c, mean, scale, weight } of all) {
        let ofWeight = 0
        let ofBias = 0
        for (let i = c; i < data.length; i += channels) {
          ofWeight += gradient[i]! * ((data[i]! - mean) * scale)
          ofBias += gradient[i]!
        }
        weightGradient[c] = ofWeight
        biasGradient[c] = ofBias
        for (let i = c; i < data.length; i += channels) {
          // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
          const shared = batch === undefined ? 0 : (ofBias + (data[i]! - mean) * scale * ofWeight) / count
          inputGradient[i] = weight * scale * (gradient[i]! - shared)
        }
      }
      pass.gradients.set(`${name}.weight`, weightGradient)
      pass.gradients.set(`${name}.bias`, biasGradient)
      return inputGradient
    }
  }
}
