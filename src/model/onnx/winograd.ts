import { elementAt } from "../../pipeline/elementAt.ts"
import { insideOf } from "../Block.ts"
import type { Block, Conv2d } from "../Block.ts"
import { outputShape, windowOf } from "../shapes.ts"
import type { Shape, Window } from "../shapes.ts"
import type { LinearWeights } from "./linear.ts"
import type { OnnxGraph } from "./OnnxGraph.ts"

/**
 * Convolutions of 3x3 pixels with a quarter of the multiplications, as ONNX's own operators.
 *
 * Tiles of 4x4 outputs are computed from 6x6 inputs d by y = A' [(G g G') x (B' d B)] A, where the product in the middle
 * is one matrix product over the channels for each of 36 points: Y = A' X A has 36 multiplications where the plain sum
 * has 144. Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016, F(4x4, 3x3).
 */
const tile = 4
const points = 6

/** Of an input's tile, B'. */
const ofInput = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1]
]

/** G of three numbers of a filter, to six numbers from `at` on, each `step` further. */
const ofFilter = (a: number, b: number, c: number, into: Float64Array, at: number, step: number): void => {
  const even = a / 24 + c / 6
  into[at] = a / 4
  into[at + step] = -(a + b + c) / 6
  into[at + 2 * step] = (b - a - c) / 6
  into[at + 3 * step] = even + b / 12
  into[at + 4 * step] = even - b / 12
  into[at + 5 * step] = c
}

/** Of an output's tile, A'. */
const ofOutput = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1]
]

/** The point (1, 1), whose share in every output is one: what is added there is added to each output, as a bias is. */
const pointOfBias = points + 1

/** A square convolution of stride 1, which may be computed in tiles. */
type Convolution = typeof Conv2d.Type

const tilesOf = ({ outHeight, outWidth }: Window) => ({
  rows: Math.ceil(outHeight / tile),
  columns: Math.ceil(outWidth / tile)
})

/**
 * About how much faster onnxruntime computes a convolution in tiles than plainly, 8 images at a time: the arithmetic of a
 * tile, in units of 72 operations. Two terms are passes through memory: 150 for each channel of the input and of the
 * output, and the weights, four times as many as plainly, which all tiles of a call share. Fitted to measurements on two
 * cores with AVX-512 (`bench/RESULTS.md`, "Convolutions in tiles").
 */
const gainOf = (channels: number, filters: number, window: Window): number => {
  const { columns, rows } = tilesOf(window)
  const tiles = rows * columns
  const used = (window.outHeight * window.outWidth) / (tiles * tile * tile)
  const product = channels * filters * (1 + 6.5 / tiles)
  const transforms = channels * ((2 / 3) * window.width + window.height)
  return (4 * channels * filters * used) / (product + transforms + 150 * (channels + filters))
}

/** Whether a block on inputs of a shape (height, width, channels) is a convolution that is faster in tiles. */
export const isFasterInTiles = (block: Block, [height = 0, width = 0, channels = 0]: Shape): block is Convolution =>
  block._tag === "Conv2d" &&
  block.stride === 1 &&
  block.kernel.join() === "3,3" &&
  gainOf(channels, block.filters, windowOf(block, [height, width])) >= 1.25

/** Whether any of blocks on an input of a shape, or a block inside one, is a convolution that is faster in tiles. */
export const haveTiles = (blocks: ReadonlyArray<Block>, input: Shape): boolean => {
  let shape = input
  for (const block of blocks) {
    if (isFasterInTiles(block, shape) || insideOf(block).some((inner) => haveTiles(inner, shape))) return true
    shape = outputShape(block, shape)
  }
  return false
}

/** A matrix that applies `ofInput` to each tile along an axis (points x tiles, pixels); what is padding has no column. */
const tilesAlong = (length: number, before: number, tiles: number): Float32Array => {
  const matrix = new Float32Array(points * tiles * length)
  for (const [point, row] of ofInput.entries())
    for (let t = 0; t < tiles; t++)
      for (const [offset, factor] of row.entries()) {
        const pixel = t * tile + offset - before
        if (pixel >= 0 && pixel < length) matrix[(point * tiles + t) * length + pixel] = factor
      }
  return matrix
}

/** G g G' of every filter, in double precision: for each of the 36 points a matrix (channels x filters). */
const filtersAtPoints = ({ data }: LinearWeights["weight"], channels: number, filters: number): Float32Array => {
  const matrix = channels * filters
  const result = new Float32Array(points * points * matrix)
  const half = new Float64Array(points * 3)
  const own = new Float64Array(points * points)
  for (let c = 0; c < channels; c++)
    for (let f = 0; f < filters; f++) {
      const at = (f * channels + c) * 9
      for (let x = 0; x < 3; x++)
        ofFilter(elementAt(data, at + x), elementAt(data, at + 3 + x), elementAt(data, at + 6 + x), half, x, 3)
      for (let i = 0; i < points; i++)
        ofFilter(elementAt(half, i * 3), elementAt(half, i * 3 + 1), elementAt(half, i * 3 + 2), own, i * points, 1)
      const first = c * filters + f
      for (let point = 0; point < own.length; point++) result[point * matrix + first] = elementAt(own, point)
    }
  return result
}

/** A' Y A of one tile as a matrix (16 outputs x 36 points). */
const outputsOfPoints = Float32Array.from(
  ofOutput.flatMap((down) => ofOutput.flatMap((along) => down.flatMap((a) => along.map((b) => a * b))))
)

/**
 * A convolution in tiles, from a value with the channels last to one with the channels last; gives its name. A NaN or an
 * infinity in an image makes all of that image's outputs NaN, where a plain convolution has them near it alone.
 */
export const convolveInTiles = (
  input: string,
  block: Convolution,
  [height, width, channels]: readonly [number, number, number],
  { bias, weight }: LinearWeights,
  graph: OnnxGraph
): string => {
  const { filters, name } = block
  const window = windowOf(block, [height, width])
  const { columns, rows } = tilesOf(window)
  const whole = (...values: ReadonlyArray<number>) =>
    graph.constant(`${name}.whole`, [values.length], BigInt64Array.from(values, BigInt))
  const node = (operator: string, ...inputs: ReadonlyArray<string>) => graph.node(operator, name, inputs)
  const reshaped = (value: string, ...shape: ReadonlyArray<number>) => node("Reshape", value, whole(...shape))

  // One product along each axis for all images; most of its matrix is zeros, and it is still the cheapest: the
  // convolution's own operators read the input once for each point.
  const along = graph.constant(`${name}.along`, [points * columns, width], tilesAlong(width, window.left, columns))
  const down = graph.constant(`${name}.down`, [points * rows, height], tilesAlong(height, window.top, rows))
  const acrossWidth = reshaped(node("MatMul", along, input), -1, height, points * columns * channels)
  const tiles = reshaped(node("MatMul", down, acrossWidth), -1, points, rows, points, columns * channels)

  // A product for each point, and not one of all: onnxruntime packs the weights of such a product once, at its start.
  const all = filtersAtPoints(weight, channels, filters)
  const matrix = channels * filters
  const axes = whole(1, 3)
  const ofChannels = whole(-1, channels)
  const products = Array.from({ length: points * points }, (_, point) => {
    const [i, j] = [Math.floor(point / points), point % points]
    const own = node("Reshape", node("Slice", tiles, whole(i, j), whole(i + 1, j + 1), axes), ofChannels)
    const weights = all.subarray(point * matrix, (point + 1) * matrix)
    const product = node("MatMul", own, graph.constant(`${name}.weight`, [channels, filters], weights))
    return bias === undefined || point !== pointOfBias
      ? product
      : node("Add", product, graph.constant(`${name}.bias`, [filters], bias))
  })

  const together = reshaped(graph.node("Concat", name, products, { axis: 0 }), points * points, -1)
  const back = graph.constant(`${name}.back`, [tile * tile, points * points], outputsOfPoints)
  const outputs = reshaped(node("MatMul", back, together), tile, tile, -1, rows, columns, filters)
  const pixels = graph.node("Transpose", name, [outputs], { perm: [2, 3, 0, 4, 1, 5] })
  const images = reshaped(pixels, -1, rows * tile, columns * tile, filters)
  const { outHeight, outWidth } = window
  return rows * tile === outHeight && columns * tile === outWidth
    ? images
    : node("Slice", images, whole(0, 0), whole(outHeight, outWidth), whole(1, 2))
}
