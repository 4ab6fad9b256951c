import { float, task } from "./Task.ts"
import type { WindowField } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"
import { inside } from "./window.ts"

/** Calls `visit` with each window of an image: its first pixel, rows and columns inside, and the output's number. */
const eachWindow = (
  {
    height,
    kernelHeight,
    kernelWidth,
    left,
    outHeight,
    outWidth,
    stride,
    top,
    width
  }: Readonly<Record<WindowField, number>>,
  visit: (pixel: number, rows: number, columns: number, output: number) => void
) => {
  for (let i = 0; i < outHeight; i++) {
    const rows = inside(i * stride - top, kernelHeight, height)
    for (let j = 0; j < outWidth; j++) {
      const columns = inside(j * stride - left, kernelWidth, width)
      visit(rows.from * width + columns.from, rows.count, columns.count, i * outWidth + j)
    }
  }
}

/** Max-pools an image (the piece). */
export const maxPool = task([...windowFields, "x", "y"] as const, (args, image, { routines }) => {
  const { channels, height, outHeight, outWidth, width } = args
  const pixelBytes = channels * float
  const x = args.x + image * height * width * pixelBytes
  const y = args.y + image * outHeight * outWidth * pixelBytes
  const { largest } = routines
  eachWindow(args, (pixel, rows, columns, output) =>
    largest(x + pixel * pixelBytes, width * pixelBytes, pixelBytes, rows, columns, channels, y + output * pixelBytes)
  )
})

/** The gradient of a max-pooled image (the piece): each goes to the first of its window's largest. */
export const maxPoolGradient = task(
  [...windowFields, "x", "y", "dy", "dx"] as const,
  (args, image, { floats, routines }) => {
    const { channels, height, outHeight, outWidth, width } = args
    const pixelBytes = channels * float
    const offset = image * height * width * pixelBytes
    const x = args.x + offset
    const output = image * outHeight * outWidth * pixelBytes
    const toDx = args.dx - args.x
    floats.fill(0, (args.dx + offset) / float, (args.dx + offset) / float + height * width * channels)
    const { route } = routines
    eachWindow(args, (pixel, rows, columns, place) => {
      const at = output + place * pixelBytes
      const from = x + pixel * pixelBytes
      route(from, width * pixelBytes, pixelBytes, rows, columns, channels, args.y + at, args.dy + at, toDx)
    })
  }
)
