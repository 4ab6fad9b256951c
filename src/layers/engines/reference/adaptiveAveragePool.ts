import { averagingMatrix } from "../../../model/averagingMatrix.ts"
import type { AdaptiveAveragePool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

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
