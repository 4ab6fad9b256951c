import type { Sliding } from "../../../model/shapes.ts"
import { windowOf } from "../../../model/shapes.ts"
import type { Tensor } from "../../../model/Tensor.ts"

/** A window on images (N, height, width, channels), and the pixels that it covers at each of its places. */
export interface Taps {
  readonly size: number
  /** Pixels of one image, and values in a pixel. */
  readonly pixels: number
  readonly channels: number
  /** Height and width of the output, and their product. */
  readonly output: readonly [height: number, width: number]
  readonly places: number
  /** Pixels in the window. */
  readonly area: number
  /** For each place, then each pixel in the window, row by row: its index in the image, or -1 in the padding. */
  readonly pixel: Int32Array
}

/** The taps of a block's window. */
export const tapsOf = (block: Sliding, { shape }: Tensor): Taps => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  const { kernelHeight, kernelWidth, left, outHeight, outWidth, stride, top } = windowOf(block, [height, width])
  const area = kernelHeight * kernelWidth
  const places = outHeight * outWidth
  const pixel = new Int32Array(places * area)
  let at = 0
  for (let row = 0; row < outHeight; row++)
    for (let column = 0; column < outWidth; column++)
      for (let i = 0; i < kernelHeight; i++)
        for (let j = 0; j < kernelWidth; j++) {
          const y = row * stride - top + i
          const x = column * stride - left + j
          pixel[at++] = y < 0 || y >= height || x < 0 || x >= width ? -1 : y * width + x
        }
  return { size, pixels: height * width, channels, output: [outHeight, outWidth], places, area, pixel }
}
