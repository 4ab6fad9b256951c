/** The windows that adaptive average pooling has along an axis: the first pixel of each, and the first behind it. */
export const averagingWindows = (length: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    from: Math.floor((i * length) / count),
    to: Math.ceil(((i + 1) * length) / count)
  }))

/**
 * Adaptive average pooling of an image as a matrix (rows x columns of windows, rows x columns of pixels).
 *
 * Source: PyTorch's AdaptiveAvgPool2d.
 */
export const averagingMatrix = (
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number]
): Float32Array => {
  const matrix = new Float32Array(rows * columns * height * width)
  for (const [row, { from: top, to: bottom }] of averagingWindows(height, rows).entries())
    for (const [column, { from: left, to: right }] of averagingWindows(width, columns).entries()) {
      const share = 1 / ((bottom - top) * (right - left))
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) matrix[(row * columns + column) * height * width + y * width + x] = share
    }
  return matrix
}
