/** Weights of the input's positions for one position of the output, from `first` on. */
interface Taps {
  readonly first: number
  readonly weights: ReadonlyArray<number>
}

/** Keys' cubic kernel with a = -0.5. */
const cubic = (distance: number): number => {
  const x = Math.abs(distance)
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

/** The kernel is as wide as two of the input's or of the output's pixels to either side, whichever are larger. */
const tapsOf = (from: number, to: number): ReadonlyArray<Taps> => {
  const scale = from / to
  const stretch = Math.max(1, scale)
  const reach = 2 * stretch
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.floor(centre - reach + 0.5))
    const last = Math.min(from, Math.floor(centre + reach + 0.5))
    const weights = Array.from({ length: last - first }, (_, k) => cubic((first + k - centre + 0.5) / stretch))
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return { first, weights: weights.map((weight) => weight / sum) }
  })
}

/** A size in pixels. */
interface Size {
  readonly height: number
  readonly width: number
}

/**
 * Images (NHWC, any numbers) in another size: bicubic, with a wider kernel where they become smaller, so that nothing is
 * skipped. The same array where the size is the same.
 *
 * Source: Pillow's `resize(BICUBIC)`, which is PyTorch's `interpolate(mode="bicubic", antialias=True)`.
 */
export const resizeImages = (images: Float32Array, size: number, from: Size, to: Size, channels = 3): Float32Array => {
  if (from.height === to.height && from.width === to.width) return images
  const across = tapsOf(from.width, to.width)
  const down = tapsOf(from.height, to.height)
  const rows = new Float64Array(from.height * to.width * channels)
  const resized = new Float32Array(size * to.height * to.width * channels)
  for (let image = 0; image < size; image++) {
    const start = image * from.height * from.width * channels
    for (let y = 0; y < from.height; y++)
      for (const [x, { first, weights }] of across.entries())
        for (let c = 0; c < channels; c++) {
          let sum = 0
          let at = start + (y * from.width + first) * channels + c
          for (const weight of weights) {
            sum += weight * images[at]!
            at += channels
          }
          rows[(y * to.width + x) * channels + c] = sum
        }
    let out = image * to.height * to.width * channels
    const line = to.width * channels
    for (const { first, weights } of down)
      for (let i = 0; i < line; i++) {
        let sum = 0
        let at = first * line + i
        for (const weight of weights) {
          sum += weight * rows[at]!
          at += line
        }
        resized[out++] = sum
      }
  }
  return resized
}
