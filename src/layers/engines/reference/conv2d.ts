import type { Conv2d } from "../../../model/Block.ts"
import { linear, linearBackward } from "./linear.ts"
import type { Kernel } from "./Pass.ts"
import { weightOf } from "./Pass.ts"
import type { Taps } from "./taps.ts"
import { tapsOf } from "./taps.ts"

/** Copies what the kernel sees from one place, channel by channel, as the weights (OIHW) lie. */
const gather = (taps: Taps, images: Float32Array, n: number, place: number, patch: Float64Array): void => {
  const { area, channels, pixel, pixels } = taps
  for (let k = 0; k < area; k++) {
    const p = pixel[place * area + k]!
    const at = (n * pixels + p) * channels
    for (let c = 0; c < channels; c++) patch[c * area + k] = p < 0 ? 0 : images[at + c]!
  }
}

/** Adds the gradient of what the kernel saw from one place to the images' gradient. */
const scatter = (taps: Taps, patch: Float64Array, n: number, place: number, images: Float64Array): void => {
  const { area, channels, pixel, pixels } = taps
  for (let k = 0; k < area; k++) {
    const p = pixel[place * area + k]!
    if (p < 0) continue
    const at = (n * pixels + p) * channels
    for (let c = 0; c < channels; c++) images[at + c]! += patch[c * area + k]!
  }
}

/** A convolution: the pixels under the kernel, as one row, through a linear map, at each place. */
export const conv2d: Kernel<typeof Conv2d.Type> = (block, input, pass) => {
  const taps = tapsOf(block, input)
  const { area, channels, output, places, size } = taps
  const { filters } = block
  const weight = weightOf(pass, block, "weight")
  const bias = block.bias ? weightOf(pass, block, "bias") : undefined
  const patch = new Float64Array(channels * area)
  const data = new Float32Array(size * places * filters)
  for (let n = 0; n < size; n++)
    for (let place = 0; place < places; place++) {
      gather(taps, input.data, n, place, patch)
      linear(weight, bias, patch, data, (n * places + place) * filters, filters)
    }
  return {
    output: { shape: [size, ...output, filters], data },
    backward: (gradient) => {
      const sums = { weight: new Float64Array(weight.length), bias: new Float64Array(filters) }
      const patchGradient = new Float64Array(patch.length)
      const inputGradient = new Float64Array(input.data.length)
      for (let n = 0; n < size; n++)
        for (let place = 0; place < places; place++) {
          gather(taps, input.data, n, place, patch)
          linearBackward(weight, patch, gradient, (n * places + place) * filters, sums, patchGradient)
          scatter(taps, patchGradient, n, place, inputGradient)
        }
      pass.gradients.set(`${block.name}.weight`, new Float32Array(sums.weight))
      if (block.bias) pass.gradients.set(`${block.name}.bias`, new Float32Array(sums.bias))
      return new Float32Array(inputGradient)
    }
  }
}
