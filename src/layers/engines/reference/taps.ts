import type { Padding } from "../../../model/Block.ts"
import { window } from "../../../model/shapes.ts"
import type { Tensor } from "../../../model/Tensor.ts"

/** How a kernel slides over images: which pixels it sees from which place. */
export interface Taps {
  readonly size: number
  /** Pixels of one image, and values in a pixel. */
  readonly pixels: number
  readonly channels: number
  /** Height and width of the output, and their product. */
  readonly output: readonly [height: number, width: number]
  readonly places: number
  /** Pixels under the kernel. */
  readonly area: number
  /** For each place, then each pixel under the kernel, row by row: its index in the image, or -1 in the padding. */
  readonly pixel: Int32Array
}

/** The taps of a kernel on images (N, height, width, channels). */
export const tapsOf = (
  { shape }: Tensor,
  kernel: readonly [height: number, width: number],
  stride: number,
  padding: Padding
): Taps => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  const rows = window(height, kernel[0], stride, padding)
  const columns = window(width, kernel[1], stride, padding)
  const area = kernel[0] * kernel[1]
  const places = rows.output * columns.output
  const pixel = new Int32Array(places * area)
  let at = 0
  for (let row = 0; row < rows.output; row++)
    for (let column = 0; column < columns.output; column++)
      for (let i = 0; i < kernel[0]; i++)
        for (let j = 0; j < kernel[1]; j++) {
          const y = row * stride - rows.before + i
          const x = column * stride - columns.before + j
          pixel[at++] = y < 0 || y >= height || x < 0 || x >= width ? -1 : y * width + x
        }
  return { size, pixels: height * width, channels, output: [rows.output, columns.output], places, area, pixel }
}
