import { float, task } from "./Task.ts"
import type { WindowField } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"
import { inside } from "./window.ts"

/** Convolves each channel of an image (the piece) by itself. */
export const depthwiseConvolve = task([...windowFields, "x", "filter", "out"] as const, (args, image, { routines }) => {
  const { channels, height, kernelHeight, kernelWidth, left, outHeight, outWidth, stride, top, width } = args
  const bytes = channels * float
  const x = args.x + image * height * width * bytes
  const { weigh } = routines
  let out = args.out + image * outHeight * outWidth * bytes
  for (let i = 0; i < outHeight; i++) {
    const rows = inside(i * stride - top, kernelHeight, height)
    for (let j = 0; j < outWidth; j++, out += bytes) {
      const columns = inside(j * stride - left, kernelWidth, width)
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
  { height, kernelWidth, left, outHeight, outWidth, stride, top, width }: Readonly<Record<WindowField, number>>,
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
  [...windowFields, "images", "x", "dy", "sums", "out"] as const,
  (args, tap, { floats, routines }) => {
    const { channels, height, images, outHeight, outWidth, stride, width } = args
    const bytes = channels * float
    const sums = args.sums + tap * bytes
    const out = args.out / float + tap * channels
    const { gather } = routines
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
  [...windowFields, "dy", "filter", "dx"] as const,
  (args, image, { floats, routines }) => {
    const { channels, filter, height, kernelHeight, kernelWidth, outHeight, outWidth, stride, width } = args
    const bytes = channels * float
    const dx = args.dx + image * height * width * bytes
    const dy = args.dy + image * outHeight * outWidth * bytes
    const { spread } = routines
    floats.fill(0, dx / float, dx / float + height * width * channels)
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++)
      eachRow(tap, args, (input, output, count) =>
        spread(dx + input * bytes, stride * bytes, dy + output * bytes, bytes, filter + tap * bytes, count, channels)
      )
  }
)
