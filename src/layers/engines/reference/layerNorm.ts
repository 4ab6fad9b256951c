import type { LayerNorm } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"

/** See the block. Mean and variance in two passes, as a sum of squares would lose digits. */
export const layerNorm: Kernel<typeof LayerNorm.Type> = (block, { data, shape }, pass) => {
  const weight = weightOf(pass, block, "weight")
  const bias = weightOf(pass, block, "bias")
  const channels = weight.length
  const rows = data.length / channels
  const normal = new Float64Array(data.length)
  const scales = new Float64Array(rows)
  const output = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const from = row * channels
    let mean = 0
    let variance = 0
    for (let c = 0; c < channels; c++) mean += data[from + c]! / channels
    for (let c = 0; c < channels; c++) variance += (data[from + c]! - mean) ** 2 / channels
    const scale = 1 / Math.sqrt(variance + block.eps)
    scales[row] = scale
    for (let c = 0; c < channels; c++) {
      const x = (data[from + c]! - mean) * scale
      normal[from + c] = x
      output[from + c] = weight[c]! * x + bias[c]!
    }
  }
  return {
    output: { shape, data: output },
    backward: (gradient) => {
      const weightGradient = new Float64Array(channels)
      const biasGradient = new Float64Array(channels)
      const inputGradient = new Float32Array(data.length)
      for (let row = 0; row < rows; row++) {
        const from = row * channels
        let sum = 0
        let product = 0
        for (let c = 0; c < channels; c++) {
          const g = gradient[from + c]!
          const x = normal[from + c]!
          weightGradient[c]! += g * x
          biasGradient[c]! += g
          sum += (g * weight[c]!) / channels
          product += (g * weight[c]! * x) / channels
        }
        // Mean and variance depend on the input: what every value adds to them is taken off its gradient.
        for (let c = 0; c < channels; c++)
          inputGradient[from + c] =
            scales[row]! * (gradient[from + c]! * weight[c]! - sum - normal[from + c]! * product)
      }
      pass.gradients.set(`${block.name}.weight`, new Float32Array(weightGradient))
      pass.gradients.set(`${block.name}.bias`, new Float32Array(biasGradient))
      return inputGradient
    }
  }
}
