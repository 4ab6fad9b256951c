import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type { WeightOperators } from "../tfjs/Operators.ts"
import { groupsFor, program, tensorOf } from "./Program.ts"

const threads = 64

const moveAverage = program({
  name: "moveAverage",
  inputs: ["average", "weight"],
  arguments: ["share", "count"],
  threads,
  code: `
    if (index >= uniforms.count) { return; }
    result[index] = average[index] + uniforms.share * (weight[index] - average[index]);`
})

/** See `moveAverage` in model/average.ts; here in float32, one program a weight. */
export const averageWith =
  (backend: WebGPUBackend): WeightOperators["average"] =>
  (pairs, share) =>
    pairs.map(({ average, name, weight }) => ({
      name,
      average: tensorOf(
        moveAverage(backend, {
          inputs: [average, weight],
          arguments: { share: { f32: share }, count: { i32: weight.size } },
          shape: weight.shape,
          groups: groupsFor(weight.size, threads)
        })
      )
    }))
