/** First and last but one pixel of window i of n over a length. */
const window = (i: number, n: number, length: number) => [
  Math.floor((i * length) / n),
  Math.ceil(((i + 1) * length) / n)
]

/**
 * What adaptive average pooling does to an image, as a matrix (rows x columns of windows, rows x columns of pixels).
 *
 * Source: PyTorch's AdaptiveAvgPool2d.
 */
export const averagingMatrix = (
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number]
): Float32Array => {
  const matrix = new Float32Array(rows * columns * height * width)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const [top, bottom] = window(row, rows, height) as [number, number] // two numbers
      const [left, right] = window(column, columns, width) as [number, number]
      const share = 1 / ((bottom - top) * (right - left))
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) matrix[(row * columns + column) * height * width + y * width + x] = share
    }
  return matrix
}
