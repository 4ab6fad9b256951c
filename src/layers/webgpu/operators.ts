import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import type { Operators } from "../tfjs/Device.ts"
import { averageWith } from "./average.ts"
import { groupsFor, program, tensorOf } from "./Program.ts"
import { columnSums } from "./sums.ts"
import { updateWith } from "./update.ts"

const threads = 64

const rectify = program({
  name: "rectify",
  inputs: ["dy", "y"],
  arguments: ["capped", "count"],
  threads,
  code: `
    if (index >= uniforms.count) { return; }
    let value = y[index];
    let open = isnan(value) || (value > 0.0 && (uniforms.capped == 0 || value < 6.0));
    result[index] = select(0.0, dy[index], open);`
})

/**
 * The operators of the webgpu backend: one program each, where TensorFlow.js has several, turns its tensors around for
 * a sum, and binds all gradients at once for the norm, which no device lets it.
 */
export const operatorsOf = (backend: WebGPUBackend): Operators => {
  const channelSums = (x: tf.Tensor): tf.Tensor => {
    const channels = x.shape.at(-1)!
    return tensorOf(columnSums(backend, x, x.size / channels, channels, [channels]))
  }
  return {
    channelSums,
    rectified: (dy, y, kind) => {
      const gradient = tensorOf(
        rectify(backend, {
          inputs: [dy, y],
          arguments: { capped: { i32: kind === "relu6" ? 1 : 0 }, count: { i32: y.size } },
          shape: y.shape,
          groups: groupsFor(y.size, threads)
        })
      )
      return { gradient, sums: channelSums(gradient) }
    },
    update: updateWith(backend),
    average: averageWith(backend)
  }
}
