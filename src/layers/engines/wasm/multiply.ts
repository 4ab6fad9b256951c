import type * as tf from "@tensorflow/tfjs-core"
import type { WindowOnImages } from "../tfjs/window.ts"
import type { Machine } from "./Machine.ts"
import { panelWidth } from "./matrixRoutines.ts"
import { convolve, filterGradient, pack, place } from "./matrixTasks.ts"
import { float } from "./Task.ts"

/** The right operand of a product, wherever its numbers lie: see `pack`. */
export interface RightOperand {
  readonly from: number
  readonly taps: number
  readonly tapStep: number
  readonly depth: number
  readonly rowStep: number
  readonly columnStep: number
  readonly columns: number
}

/** What is done to a sum before it is written. */
export interface Finish {
  readonly bias: number | undefined
  readonly low: number
  readonly high: number
}

export const plain: Finish = { bias: undefined, low: -Infinity, high: Infinity }

const ceilTo = (n: number, step: number) => Math.ceil(n / step) * step

/** Images with all their padding, in which every window lies: where they begin and how large they are. */
export interface Padded {
  readonly at: number
  readonly height: number
  readonly width: number
}

/** Lends images of `height` by `width` that hold the given ones from (top, left) on, `stride` apart, among zeros. */
export const withPadding = <A>(
  machine: Machine,
  from: { readonly at: number; readonly height: number; readonly width: number },
  { channels, images }: Pick<WindowOnImages, "images" | "channels">,
  to: { readonly height: number; readonly width: number; readonly top: number; readonly left: number },
  stride: number,
  use: (padded: Padded) => A
): A => {
  const fits = to.top === 0 && to.left === 0 && stride === 1
  if (fits && from.height === to.height && from.width === to.width) return use(from)
  return machine.withRoom(images * to.height * to.width * channels * float, (at) => {
    const { left, top } = to
    const shape = { height: from.height, width: from.width, toHeight: to.height, toWidth: to.width, top, left }
    machine.crew.run(place, { from: from.at, to: at, channels, stride, ...shape }, images)
    return use({ at, height: to.height, width: to.width })
  })
}

/**
 * Slides a kernel of `taps` = segments * kernelWidth over padded images of `channels`, and multiplies what it covers
 * by the right operand; `out` is (images, lines, count, columns).
 */
export const slide = (
  machine: Machine,
  x: Padded,
  shape: { readonly images: number; readonly channels: number; readonly lines: number; readonly count: number },
  kernel: { readonly height: number; readonly width: number; readonly stride: number },
  right: RightOperand,
  out: number,
  finish: Finish
): void => {
  const { channels, count, images, lines } = shape
  const { columns, depth, taps } = right
  const panels = Math.ceil(columns / panelWidth)
  const panelBytes = taps * depth * panelWidth * float
  const { crew } = machine
  const xLine = x.width * channels * float
  const spareBytes = columns % panelWidth === 0 ? 0 : count * panelWidth * float
  // Many images are shared out; few (a product of matrices is one) are split into panels.
  const panelsAtOnce = images >= 4 * crew.threads ? panels : Math.ceil(panels / (4 * crew.threads))
  const zeros = panelWidth * float
  machine.withRoom(panels * panelBytes + zeros + crew.threads * spareBytes, (room) => {
    crew.run(pack, { ...right, to: room }, panels)
    const none = room + panels * panelBytes
    machine.floats().fill(0, none / float, (none + zeros) / float)
    crew.run(
      convolve,
      {
        x: x.at,
        xImage: x.height * xLine,
        xLine: kernel.stride * xLine,
        xStep: kernel.stride * channels * float,
        segments: kernel.height,
        length: kernel.width * channels,
        segmentStep: xLine,
        panels: room,
        panelBytes,
        panelsAtOnce,
        bias: finish.bias ?? none,
        biasStep: finish.bias === undefined ? 0 : panelWidth * float,
        out,
        outImage: lines * count * columns * float,
        outLine: count * columns * float,
        outStep: columns * float,
        images,
        imagesAtOnce: 1,
        lines,
        count,
        columns,
        low: finish.low,
        high: finish.high,
        spare: none + zeros,
        spareBytes
      },
      images * Math.ceil(panels / panelsAtOnce)
    )
  })
}

/** The gradient of the filter in `slide`, from that of its output; `out` is (taps * channels, columns). */
export const slideGradient = (
  machine: Machine,
  x: Padded,
  shape: { readonly images: number; readonly channels: number; readonly lines: number; readonly count: number },
  kernel: { readonly height: number; readonly width: number; readonly stride: number },
  dy: number,
  columns: number,
  out: number
): void => {
  const { channels, count, images, lines } = shape
  const panels = Math.ceil(columns / panelWidth)
  const length = kernel.width * channels
  const xLine = x.width * channels * float
  machine.withRoom(kernel.height * length * ceilTo(columns, panelWidth) * float, (sums) =>
    machine.crew.run(
      filterGradient,
      {
        x: x.at,
        xImage: x.height * xLine,
        xLine: kernel.stride * xLine,
        xStep: kernel.stride * channels * float,
        segments: kernel.height,
        length,
        segmentStep: xLine,
        dy,
        dyImage: lines * count * columns * float,
        dyLine: count * columns * float,
        dyStep: columns * float,
        images,
        lines,
        count,
        columns,
        sums,
        out
      },
      panels * kernel.height
    )
  )
}

/** Where the matrices of a product lie, and what they are. */
interface Product {
  readonly a: number
  readonly b: number
  readonly out: number
  readonly aShape: readonly [rows: number, columns: number]
  readonly bShape: readonly [rows: number, columns: number]
  readonly transposeA: boolean
  readonly transposeB: boolean
}

const multiply = (machine: Machine, product: Product, finish: Finish): void => {
  const { a, aShape, b, bShape, out, transposeA, transposeB } = product
  const [aRows, aColumns] = aShape
  const [bRows, bColumns] = bShape
  const columns = transposeB ? bRows : bColumns
  const x = { at: a, height: 1, width: aRows }
  const shape = { images: 1, channels: aColumns, lines: 1, count: aRows }
  const kernel = { height: 1, width: 1, stride: 1 }
  if (transposeA) {
    if (transposeB || finish !== plain) throw new Error("not a product that a gradient needs")
    slideGradient(machine, x, shape, kernel, b, columns, out)
  } else {
    const steps = transposeB ? { rowStep: 1, columnStep: bColumns } : { rowStep: bColumns, columnStep: 1 }
    const right = { from: b, taps: 1, tapStep: 0, depth: aColumns, columns, ...steps }
    slide(machine, x, shape, kernel, right, out, finish)
  }
}

/** Any product of two matrices, each as it lies or transposed; of each pair of them where there are several. */
export const matMul = (
  machine: Machine,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  finish: Finish
): tf.TensorInfo => {
  const aShape = a.shape.slice(-2) as [number, number] // matrices
  const bShape = b.shape.slice(-2) as [number, number]
  const rows = aShape[transposeA ? 1 : 0]
  const columns = bShape[transposeB ? 0 : 1]
  const several = a.shape.slice(0, -2)
  if (several.join() !== b.shape.slice(0, -2).join())
    throw new Error("expected as many matrices on the left as on the right")
  const out = machine.output([...several, rows, columns])
  const [aSize, bSize] = [aShape[0] * aShape[1] * float, bShape[0] * bShape[1] * float]
  const count = several.reduce((product, length) => product * length, 1)
  const at = { a: machine.address(a), b: machine.address(b), out: machine.address(out) }
  for (let i = 0; i < count; i++)
    multiply(
      machine,
      {
        a: at.a + i * aSize,
        b: at.b + i * bSize,
        out: at.out + i * rows * columns * float,
        aShape,
        bShape,
        transposeA,
        transposeB
      },
      finish
    )
  return out
}
