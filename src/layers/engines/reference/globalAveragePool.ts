import type { GlobalAveragePool } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

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
