import type { AdaptiveAveragePool, GlobalAveragePool, MaxPool } from "../../model/Block.ts"
import { averagingMatrix } from "../../model/averagingMatrix.ts"
import type { Kernel } from "./Pass.ts"
import { tapsOf } from "./taps.ts"

/** The largest value of each window; its gradient goes to the first of the largest. NaN is larger than any number, and of several the last one counts. */
export const maxPool: Kernel<typeof MaxPool.Type> = (block, input) => {
  const taps = tapsOf(input, [block.size, block.size], block.stride, block.padding)
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

/** The mean of each channel over the image. */
export const globalAveragePool: Kernel<typeof GlobalAveragePool.Type> = (_block, { data, shape }) => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  const pixels = height * width
  const output = new Float32Array(size * channels)
  for (let n = 0; n < size; n++)
    for (let c = 0; c < channels; c++) {
      let sum = 0
      for (let p = 0; p < pixels; p++) sum += data[(n * pixels + p) * channels + c]!
      output[n * channels + c] = sum / pixels
    }
  return {
    output: { shape: [size, channels], data: output },
    backward: (gradient) =>
      data.map((_, i) => gradient[Math.floor(i / (pixels * channels)) * channels + (i % channels)]! / pixels)
  }
}

/** The means of windows: a matrix for each channel. */
export const adaptiveAveragePool: Kernel<typeof AdaptiveAveragePool.Type> = (block, { data, shape }) => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  const [rows, columns] = block.size
  const pixels = height * width
  const places = rows * columns
  const matrix = averagingMatrix([height, width], block.size)
  const output = new Float32Array(size * places * channels)
  for (let n = 0; n < size; n++)
    for (let place = 0; place < places; place++)
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let p = 0; p < pixels; p++) {
          const share = matrix[place * pixels + p]!
          // What is outside the window does not count, infinities neither.
          if (share !== 0) sum += share * data[(n * pixels + p) * channels + c]!
        }
        output[(n * places + place) * channels + c] = sum
      }
  return {
    output: { shape: [size, rows, columns, channels], data: output },
    backward: (gradient) =>
      data.map((_, i) => {
        const c = i % channels
        const p = Math.floor(i / channels) % pixels
        const n = Math.floor(i / (channels * pixels))
        let sum = 0
        for (let place = 0; place < places; place++)
          sum += matrix[place * pixels + p]! * gradient[(n * places + place) * channels + c]!
        return sum
      })
  }
}
