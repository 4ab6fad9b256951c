import * as tf from "@tensorflow/tfjs-core"
import type { BatchNorm } from "../../../model/Block.ts"
import type { BlockOperators } from "./Operators.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** See the block. Source: Ioffe and Szegedy, 2015. A batch with one value a channel takes its biased variance, 0. */
export const batchNorm =
  ({ channelSums }: BlockOperators): Kernel<typeof BatchNorm.Type> =>
  (block, input, pass) => {
    const weight = weightOf<tf.Rank.R1>(pass, block, "weight")
    const bias = weightOf<tf.Rank.R1>(pass, block, "bias")
    const runningMean = weightOf<tf.Rank.R1>(pass, block, "running_mean")
    const runningVariance = weightOf<tf.Rank.R1>(pass, block, "running_var")
    const count = input.size / weight.size
    const batch = () => {
      const mean = tf.div(channelSums(input), count)
      return { mean, variance: tf.div(channelSums(tf.squaredDifference(input, mean)), count) }
    }
    const { mean, variance } = pass.batchStatistics ? batch() : { mean: runningMean, variance: runningVariance }
    const scale = tf.rsqrt(tf.add(variance, block.eps))
    const normal = tf.mul(tf.sub(input, mean), scale)
    if (pass.batchStatistics) {
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
        if (!pass.batchStatistics) return tf.mul(dy, tf.mul(weight, scale))
        // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
        const shared = tf.div(tf.add(biasGradient, tf.mul(normal, weightGradient)), count)
        return tf.mul(tf.sub(dy, shared), tf.mul(weight, scale))
      }
    }
  }
