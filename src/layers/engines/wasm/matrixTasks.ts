import { outerOf, panelWidth, tileRows } from "./matrixRoutines.ts"
import { float, task } from "./Task.ts"

/** Pixels that are summed at once for a filter's gradient: as many as stay in the first-level cache, more or less. */
const pixelsAtOnce = 256

/**
 * Packs one panel (the piece) of a right operand: eight columns side by side, row after row. The operand's row (tap,
 * k), column j lies at from + tap * tapStep + k * rowStep + j * columnStep (in numbers, not bytes).
 */
export const pack = task(
  ["from", "to", "taps", "tapStep", "depth", "rowStep", "columnStep", "columns"],
  ({ columnStep, columns, depth, from, rowStep, tapStep, taps, to }, panel, { floats }) => {
    const first = panel * panelWidth
    const width = Math.min(panelWidth, columns - first)
    let target = to / float + taps * depth * first
    for (let tap = 0; tap < taps; tap++) {
      let row = from / float + tap * tapStep + first * columnStep
      for (let k = 0; k < depth; k++) {
        for (let j = 0; j < width; j++) floats[target + j] = floats[row + j * columnStep]!
        for (let j = width; j < panelWidth; j++) floats[target + j] = 0
        target += panelWidth
        row += rowStep
      }
    }
  }
)

/** Copies an image (the piece) into a larger one of zeros, `stride` pixels apart; what falls outside is left out. */
export const place = task(
  ["from", "to", "height", "width", "channels", "toHeight", "toWidth", "top", "left", "stride"],
  ({ channels, from, height, left, stride, to, toHeight, toWidth, top, width }, image, { floats }) => {
    const target = to / float + image * toHeight * toWidth * channels
    const source = from / float + image * height * width * channels
    floats.fill(0, target, target + toHeight * toWidth * channels)
    const first = Math.max(0, Math.ceil(-left / stride))
    const last = Math.min(width, Math.ceil((toWidth - left) / stride))
    for (let y = 0; y < height; y++) {
      const row = y * stride + top
      if (row < 0 || row >= toHeight) continue
      const line = target + (row * toWidth + left) * channels
      const run = stride === 1 ? last - first : 1 // pixels that stay neighbours
      for (let x = first; x < last; x += run) {
        const pixel = source + (y * width + x) * channels
        floats.copyWithin(line + x * stride * channels, pixel, pixel + run * channels)
      }
    }
  }
)

/**
 * out = clamp(bias + x * panels): a convolution whose every output pixel has all its input, or a product of matrices.
 *
 * A piece is some images and some panels. A last panel that is not full goes through `spare`, as it would write past
 * its rows.
 */
export const convolve = task(
  [
    "x",
    "xImage",
    "xLine",
    "xStep",
    "segments",
    "length",
    "segmentStep",
    "panels",
    "panelBytes",
    "panelsAtOnce",
    "bias",
    "biasStep",
    "out",
    "outImage",
    "outLine",
    "outStep",
    "images",
    "imagesAtOnce",
    "lines",
    "count",
    "columns",
    "low",
    "high",
    "spare",
    "spareBytes"
  ],
  (args, piece, { floats, routines, thread }) => {
    const { columns, count, high, length, lines, low, outStep, segmentStep, segments, xStep } = args
    const panelCount = Math.ceil(columns / panelWidth)
    const panelPieces = Math.ceil(panelCount / args.panelsAtOnce)
    const firstImage = Math.floor(piece / panelPieces) * args.imagesAtOnce
    const firstPanel = (piece % panelPieces) * args.panelsAtOnce
    const spare = args.spare + thread * args.spareBytes
    const { strip } = routines
    for (let image = firstImage; image < Math.min(args.images, firstImage + args.imagesAtOnce); image++)
      for (let p = firstPanel; p < Math.min(panelCount, firstPanel + args.panelsAtOnce); p++) {
        const panel = args.panels + p * args.panelBytes
        const bias = args.bias + p * args.biasStep
        const width = Math.min(panelWidth, columns - p * panelWidth)
        for (let line = 0; line < lines; line++) {
          const x = args.x + image * args.xImage + line * args.xLine
          const out = args.out + image * args.outImage + line * args.outLine + p * panelWidth * float
          if (width === panelWidth)
            strip(x, xStep, segments, length, segmentStep, panel, bias, out, outStep, low, high, count)
          else {
            strip(x, xStep, segments, length, segmentStep, panel, bias, spare, panelWidth * float, low, high, count)
            for (let row = 0; row < count; row++) {
              const from = spare / float + row * panelWidth
              floats.copyWithin((out + row * outStep) / float, from, from + width)
            }
          }
        }
      }
  }
)

/**
 * The gradient of a filter: a piece is one panel of eight output channels and one segment (row of the kernel). `sums`
 * has room for the gradient in panels.
 */
export const filterGradient = task(
  [
    "x",
    "xImage",
    "xLine",
    "xStep",
    "segments",
    "length",
    "segmentStep",
    "dy",
    "dyImage",
    "dyLine",
    "dyStep",
    "images",
    "lines",
    "count",
    "columns",
    "sums",
    "out"
  ],
  (args, piece, { floats, routines }) => {
    const { columns, count, dyImage, dyLine, dyStep, images, length, lines, segments, xImage, xLine, xStep } = args
    const panel = Math.floor(piece / segments)
    const segment = piece % segments
    const firstRow = segment * length
    const sums = args.sums + (panel * segments * length + firstRow) * panelWidth * float
    floats.fill(0, sums / float, sums / float + length * panelWidth)
    const tiles = Math.ceil(length / tileRows)
    const imagesAtOnce = Math.max(1, Math.floor(pixelsAtOnce / (lines * count)))
    const linesAtOnce = Math.max(1, Math.min(lines, Math.floor(pixelsAtOnce / count)))
    for (let image = 0; image < images; image += imagesAtOnce)
      for (let line = 0; line < lines; line += linesAtOnce) {
        const x = args.x + image * args.xImage + line * args.xLine + segment * args.segmentStep
        const dy = args.dy + image * args.dyImage + line * args.dyLine + panel * panelWidth * float
        const imageCount = Math.min(imagesAtOnce, images - image)
        const lineCount = Math.min(linesAtOnce, lines - line)
        for (let tile = 0; tile < tiles; tile++) {
          const from = Math.floor((length * tile) / tiles)
          const outer = outerOf(routines, Math.floor((length * (tile + 1)) / tiles) - from)
          const at = x + from * float
          const to = sums + from * panelWidth * float
          outer(at, xStep, xLine, xImage, dy, dyStep, dyLine, dyImage, imageCount, lineCount, count, to)
        }
      }
    const width = Math.min(panelWidth, columns - panel * panelWidth)
    for (let row = 0; row < length; row++) {
      const from = sums / float + row * panelWidth
      floats.copyWithin(args.out / float + (firstRow + row) * columns + panel * panelWidth, from, from + width)
    }
  }
)
