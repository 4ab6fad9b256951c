import type { MaxPool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"
import { tapsOf } from "./taps.ts"

/** The largest value of each window; its gradient goes to the first of the largest. NaN is larger than any number, and of several the last one counts. */
export const maxPool: Kernel<typeof MaxPool.Type> = (block, input) => {
  const taps = tapsOf(block, input)
  const { area, channels, output, pixel, pixels, places, size } = taps
  const data = new Float32Array(size * places * channels)
  const source = new Int32Array(data.length)
  for (let n = 0; n < size; n++)
    for (let place = 0; place < places; place++)
      for (let c = 0; c < channels; c++) {
        let largest = -Infinity
        let from = -1
        for (let k = 0; k < area; k++) {
          const p = pixel[place * area + k]!
          if (p < 0) continue
          const at = (n * pixels + p) * channels + c
          const value = input.data[at]!
          if (from < 0 || value > largest || Number.isNaN(value)) {
            largest = value
            from = at
          }
        }
        const to = (n * places + place) * channels + c
        data[to] = largest
        source[to] = from
      }
  return {
    output: { shape: [size, ...output, channels], data },
    backward: (gradient) => {
      const inputGradient = new Float32Array(input.data.length)
      for (let i = 0; i < gradient.length; i++) inputGradient[source[i]!]! += gradient[i]!
      return inputGradient
    }
  }
}
