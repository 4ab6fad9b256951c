import type { PositionEmbedding } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { Kernel } from "./Pass.ts"

/** y = x + w, with a vector for each place. */
export const positionEmbedding: Kernel<typeof PositionEmbedding.Type> = ({ name }, { data, shape }, pass) => {
  const places = named(pass.weights, name).data
  const { length } = places
  return {
    output: { shape, data: data.map((x, i) => x + places[i % length]!) },
    backward: (gradient) => {
      const sums = new Float64Array(length)
      for (const [i, g] of gradient.entries()) sums[i % length]! += g
      pass.gradients.set(name, new Float32Array(sums))
      return gradient
    }
  }
}
