import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import type { Operators } from "../tfjs/Operators.ts"
import { channelsOf } from "../tfjs/shape.ts"
import { activationGradient } from "./activation.ts"
import { averageWith } from "./average.ts"
import { columnSums } from "./channelSums.ts"
import { tensorOf } from "./Program.ts"
import { updateWith } from "./update.ts"

/**
 * The operators of the webgpu backend: one program each, where TensorFlow.js has several, transposes its tensors for a
 * sum, and binds all gradients at once for the norm, which no device lets it.
 */
export const operatorsOf = (backend: WebGPUBackend): Operators => {
  const channelSums = (x: tf.Tensor): tf.Tensor => {
    const channels = channelsOf(x)
    return tensorOf(columnSums(backend, x, x.size / channels, channels, [channels]))
  }
  return {
    channelSums,
    activationGradient: (dy, y, kind) => {
      const gradient = activationGradient(backend, dy, y, kind)
      return { gradient, sums: channelSums(gradient) }
    },
    update: updateWith(backend),
    average: averageWith(backend)
  }
}
