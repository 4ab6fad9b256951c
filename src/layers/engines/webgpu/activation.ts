import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import type { Clamp } from "../../../model/Block.ts"
import { groupsFor, program, tensorOf } from "./Program.ts"

const threads = 64

const gradientBefore = program({
  name: "activationGradient",
  inputs: ["dy", "y"],
  arguments: ["capped", "count"],
  threads,
  code: `
    if (index >= uniforms.count) { return; }
    let value = y[index];
    let open = isnan(value) || (value > 0.0 && (uniforms.capped == 0 || value < 6.0));
    result[index] = select(0.0, dy[index], open);`
})

/** The gradient through an activation that gave `y`. */
export const activationGradient = (
  backend: WebGPUBackend,
  dy: tf.Tensor,
  y: tf.Tensor,
  kind: Clamp["kind"]
): tf.Tensor =>
  tensorOf(
    gradientBefore(backend, {
      inputs: [dy, y],
      arguments: { capped: { i32: kind === "relu6" ? 1 : 0 }, count: { i32: y.size } },
      shape: y.shape,
      groups: groupsFor(y.size, threads)
    })
  )
