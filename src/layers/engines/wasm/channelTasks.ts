import { double, float, task } from "./Task.ts"

/** The pixels of a window that lie in the image, along one axis. */
const clip = (start: number, size: number, length: number) => {
  const from = Math.max(0, start)
  return { from, count: Math.min(length, start + size) - from }
}

const pool = [
  "x",
  "y",
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "size",
  "stride",
  "top",
  "left"
] as const

/** Calls `visit` with each window of an image: its first pixel, rows and columns inside, and the output's number. */
const eachWindow = (
  { height, left, outHeight, outWidth, size, stride, top, width }: Record<(typeof pool)[number], number>,
  visit: (pixel: number, rows: number, columns: number, output: number) => void
) => {
  for (let i = 0; i < outHeight; i++) {
    const rows = clip(i * stride - top, size, height)
    for (let j = 0; j < outWidth; j++) {
      const columns = clip(j * stride - left, size, width)
      visit(rows.from * width + columns.from, rows.count, columns.count, i * outWidth + j)
    }
  }
}

/** Max-pools an image (the piece). */
export const maxPool = task(pool, (args, image, { routines }) => {
  const { channels, height, outHeight, outWidth, width } = args
  const pixelBytes = channels * float
  const x = args.x + image * height * width * pixelBytes
  const y = args.y + image * outHeight * outWidth * pixelBytes
  const largest = routines["largest"]!
  eachWindow(args, (pixel, rows, columns, output) =>
    largest(x + pixel * pixelBytes, width * pixelBytes, pixelBytes, rows, columns, channels, y + output * pixelBytes)
  )
})

/** The gradient of a max-pooled image (the piece): each goes to the first of its window's largest. */
export const maxPoolGradient = task([...pool, "dy", "dx"] as const, (args, image, { floats, routines }) => {
  const { channels, height, outHeight, outWidth, width } = args
  const pixelBytes = channels * float
  const offset = image * height * width * pixelBytes
  const x = args.x + offset
  const output = image * outHeight * outWidth * pixelBytes
  const toDx = args.dx - args.x
  floats.fill(0, (args.dx + offset) / float, (args.dx + offset) / float + height * width * channels)
  const route = routines["route"]!
  eachWindow(args, (pixel, rows, columns, place) => {
    const at = output + place * pixelBytes
    const from = x + pixel * pixelBytes
    route(from, width * pixelBytes, pixelBytes, rows, columns, channels, args.y + at, args.dy + at, toDx)
  })
})

/** Cuts some numbers (the piece) to [0, high]. */
export const cut = task(
  ["x", "y", "length", "atOnce", "high"],
  ({ atOnce, high, length, x, y }, piece, { routines }) => {
    const from = piece * atOnce
    routines["cut"]!(x + from * float, y + from * float, Math.min(atOnce, length - from), high)
  }
)

/** The gradient through a rectifier, for some rows (the piece), and its sums by channel. */
export const rectify = task(
  ["dy", "y", "out", "sums", "rows", "rowsAtOnce", "channels", "high"],
  ({ channels, dy, high, out, rows, rowsAtOnce, sums, y }, piece, { floats, routines }) => {
    const from = piece * rowsAtOnce
    const count = Math.min(rowsAtOnce, rows - from)
    const offset = from * channels * float
    const target = sums + piece * channels * float
    floats.fill(0, target / float, target / float + channels)
    routines["rectify"]!(dy + offset, y + offset, out + offset, target, count, channels, high)
  }
)

/** Rows that `total` adds up in float32, before it goes on in float64. */
const rowsInFloat32 = 32

/**
 * The sums by channel of some rows (the piece): of a few rows in float32, and of these sums in float64. `sums` has room
 * for a row of float64 for each piece, and `few` for one of float32 for each thread.
 */
export const total = task(
  ["x", "sums", "few", "rows", "rowsAtOnce", "channels"],
  ({ channels, few, rows, rowsAtOnce, sums, x }, piece, { floats, routines, thread }) => {
    const to = Math.min(rows, (piece + 1) * rowsAtOnce)
    const own = few + thread * channels * float
    const part = floats.subarray(own / float, own / float + channels)
    const whole = new Float64Array(floats.buffer, sums + piece * channels * double, channels)
    whole.fill(0)
    for (let row = piece * rowsAtOnce; row < to; row += rowsInFloat32) {
      part.fill(0)
      routines["total"]!(x + row * channels * float, own, Math.min(rowsInFloat32, to - row), channels)
      for (let c = 0; c < channels; c++) whole[c]! += part[c]!
    }
  }
)

const depthwise = [
  "images",
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "kernelHeight",
  "kernelWidth",
  "stride",
  "top",
  "left"
] as const

/** Convolves each channel of an image (the piece) by itself. */
export const depthwiseConvolve = task([...depthwise, "x", "filter", "out"] as const, (args, image, { routines }) => {
  const { channels, height, kernelHeight, kernelWidth, left, outHeight, outWidth, stride, top, width } = args
  const bytes = channels * float
  const x = args.x + image * height * width * bytes
  const weigh = routines["weigh"]!
  let out = args.out + image * outHeight * outWidth * bytes
  for (let i = 0; i < outHeight; i++) {
    const rows = clip(i * stride - top, kernelHeight, height)
    for (let j = 0; j < outWidth; j++, out += bytes) {
      const columns = clip(j * stride - left, kernelWidth, width)
      const pixel = x + (rows.from * width + columns.from) * bytes
      const tap = (rows.from - (i * stride - top)) * kernelWidth + columns.from - (j * stride - left)
      const weights = args.filter + tap * bytes
      weigh(pixel, width * bytes, bytes, rows.count, columns.count, channels, weights, kernelWidth * bytes, out)
    }
  }
})

/** Calls `visit` for each row of outputs that a tap of the kernel touches: where it and its inputs begin. */
const eachRow = (
  tap: number,
  { height, kernelWidth, left, outHeight, outWidth, stride, top, width }: Record<(typeof depthwise)[number], number>,
  visit: (input: number, output: number, count: number) => void
) => {
  const row = Math.floor(tap / kernelWidth) - top
  const column = (tap % kernelWidth) - left
  const first = Math.max(0, Math.ceil(-column / stride))
  const count = Math.min(outWidth, Math.ceil((width - column) / stride)) - first
  if (count <= 0) return
  for (let i = 0; i < outHeight; i++) {
    const y = i * stride + row
    if (y >= 0 && y < height) visit(y * width + first * stride + column, i * outWidth + first, count)
  }
}

/** The gradient of one tap (the piece) of depthwise filters; `sums` has a row of channels for each tap. */
export const depthwiseFilterGradient = task(
  [...depthwise, "x", "dy", "sums", "out"] as const,
  (args, tap, { floats, routines }) => {
    const { channels, height, images, outHeight, outWidth, stride, width } = args
    const bytes = channels * float
    const sums = args.sums + tap * bytes
    const out = args.out / float + tap * channels
    const gather = routines["gather"]!
    floats.fill(0, out, out + channels)
    for (let image = 0; image < images; image++) {
      floats.fill(0, sums / float, sums / float + channels)
      const x = args.x + image * height * width * bytes
      const dy = args.dy + image * outHeight * outWidth * bytes
      eachRow(tap, args, (input, output, count) =>
        gather(x + input * bytes, stride * bytes, dy + output * bytes, bytes, sums, count, channels)
      )
      for (let c = 0; c < channels; c++) floats[out + c]! += floats[sums / float + c]!
    }
  }
)

/** The gradient of an image (the piece) that went through depthwise filters. */
export const depthwiseInputGradient = task(
  [...depthwise, "dy", "filter", "dx"] as const,
  (args, image, { floats, routines }) => {
    const { channels, filter, height, kernelHeight, kernelWidth, outHeight, outWidth, stride, width } = args
    const bytes = channels * float
    const dx = args.dx + image * height * width * bytes
    const dy = args.dy + image * outHeight * outWidth * bytes
    const spread = routines["spread"]!
    floats.fill(0, dx / float, dx / float + height * width * channels)
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++)
      eachRow(tap, args, (input, output, count) =>
        spread(dx + input * bytes, stride * bytes, dy + output * bytes, bytes, filter + tap * bytes, count, channels)
      )
  }
)
