import type { LayerScale } from "../../../model/Block.ts"
import { named } from "../../../model/Tensor.ts"
import type { Kernel } from "./Pass.ts"

/** y = w x, with a weight a channel. */
export const layerScale: Kernel<typeof LayerScale.Type> = ({ name }, { data, shape }, pass) => {
  const weight = named(pass.weights, name).data
  const channels = weight.length
  return {
    output: { shape, data: data.map((x, i) => x * weight[i % channels]!) },
    backward: (gradient) => {
      const sums = new Float64Array(channels)
      for (const [i, g] of gradient.entries()) sums[i % channels]! += g * data[i]!
      pass.gradients.set(name, new Float32Array(sums))
      return gradient.map((g, i) => g * weight[i % channels]!)
    }
  }
}
