import type { DepthwiseConv2d } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"
import { tapsOf } from "./taps.ts"

/** A convolution in which each channel has its own filter and sees no other channel. */
export const depthwiseConv2d: Kernel<typeof DepthwiseConv2d.Type> = (block, input, pass) => {
  const { area, channels, output, pixel, pixels, places, size } = tapsOf(block, input)
  const weight = weightOf(pass, block, "weight")
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const data = new Float32Array(size * places * channels)
  const sums = new Float64Array(channels)
  for (let n = 0; n < size; n++)
    for (let place = 0; place < places; place++) {
      sums.fill(0)
      for (let k = 0; k < area; k++) {
        const p = pixel[place * area + k]!
        if (p < 0) continue
        const from = (n * pixels + p) * channels
        for (let c = 0; c < channels; c++) sums[c]! += weight[c * area + k]! * input.data[from + c]!
      }
      const to = (n * places + place) * channels
      for (let c = 0; c < channels; c++) data[to + c] = sums[c]! + (bias?.[c] ?? 0)
    }
  return {
    output: { shape: [size, ...output, channels], data },
    backward: (gradient) => {
      const weightGradient = new Float64Array(weight.length)
      const biasGradient = new Float64Array(channels)
      const inputGradient = new Float64Array(input.data.length)
      for (let n = 0; n < size; n++)
        for (let place = 0; place < places; place++) {
          const to = (n * places + place) * channels
          for (let c = 0; c < channels; c++) biasGradient[c]! += gradient[to + c]!
          for (let k = 0; k < area; k++) {
            const p = pixel[place * area + k]!
            if (p < 0) continue
            const from = (n * pixels + p) * channels
            for (let c = 0; c < channels; c++) {
              weightGradient[c * area + k]! += gradient[to + c]! * input.data[from + c]!
              inputGradient[from + c]! += gradient[to + c]! * weight[c * area + k]!
            }
          }
        }
      pass.gradients.set(`${block.name}.weight`, new Float32Array(weightGradient))
      if (block.bias) pass.gradients.set(`${block.name}.bias`, new Float32Array(biasGradient))
      return new Float32Array(inputGradient)
    }
  }
}
