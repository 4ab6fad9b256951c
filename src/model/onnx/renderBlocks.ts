import { elementAt } from "../../pipeline/elementAt.ts"
import { averagingWindows } from "../averagingMatrix.ts"
import type { Activation, AdaptiveAveragePool, BatchNorm, Block, MaxPool } from "../Block.ts"
import { outputShape, window } from "../shapes.ts"
import type { Shape } from "../shapes.ts"
import type { Weights } from "../Tensor.ts"
import { backboneOutput } from "./backbone.ts"
import { affineOf, applied, folded, isLinear } from "./linear.ts"
import type { Linear } from "./linear.ts"
import { readOnnx } from "./OnnxFile.ts"
import type { OnnxGraph } from "./OnnxGraph.ts"

/** A value in a graph: images are NCHW there; the shape is ours (height, width, channels), without the batch. */
export interface Value {
  readonly name: string
  readonly shape: Shape
}

/** The graph that operators are added to, and the weights of their constants. */
export interface Rendering {
  readonly graph: OnnxGraph
  readonly weights: Weights
  /** As `Frozen` has it. */
  readonly backbone?: Uint8Array<ArrayBuffer> | undefined
  /** Whether max pooling keeps NaN. ONNX leaves that to the runtime, and onnxruntime loses NaN. */
  readonly keepsNaN?: boolean
}

const scalar = (value: number) => Float32Array.of(value)

/** The attributes of an operator that slides a kernel; an odd pixel of padding goes to the bottom and the right. */
const sliding = (
  shape: Shape,
  kernel: readonly [number, number],
  { padding, stride }: Pick<typeof MaxPool.Type, "padding" | "stride">
) => {
  const [height, width] = shape as readonly [number, number, number] // the shapes were checked
  const rows = window(height, kernel[0], stride, padding)
  const columns = window(width, kernel[1], stride, padding)
  return {
    kernel_shape: kernel,
    strides: [stride, stride],
    pads: [rows.before, columns.before, rows.after, columns.after]
  }
}

const linear = (block: Linear, norms: ReadonlyArray<typeof BatchNorm.Type>, input: Value, into: Rendering): string => {
  const { graph } = into
  const { bias, weight } = folded(block, norms, into.weights)
  const { name } = block
  const inputs = [input.name, graph.constant(`${name}.weight`, weight.shape, weight.data)]
  if (bias !== undefined) inputs.push(graph.constant(`${name}.bias`, [bias.length], bias))
  if (block._tag === "Dense") return graph.node("Gemm", name, inputs, { transB: 1 })
  const group = block._tag === "DepthwiseConv2d" ? elementAt(weight.shape, 0) : 1 // the channels come first
  return graph.node("Conv", name, inputs, { ...sliding(input.shape, block.kernel, block), group })
}

/** A batch norm that does not follow a linear block, and is not folded into one. */
const batchNorm = (block: typeof BatchNorm.Type, { name, shape }: Value, { graph, weights }: Rendering): string => {
  const { scale, shift } = affineOf(block, weights)
  const dimensions = shape.length === 3 ? [scale.length, 1, 1] : [scale.length]
  const factor = graph.constant(`${block.name}.scale`, dimensions, Float32Array.from(scale))
  const term = graph.constant(`${block.name}.shift`, dimensions, Float32Array.from(shift))
  return graph.node("Add", block.name, [graph.node("Mul", block.name, [name, factor]), term])
}

const activation = ({ kind }: typeof Activation.Type, { name }: Value, { graph }: Rendering): string =>
  kind === "relu"
    ? graph.node("Relu", name, [name])
    : graph.node("Clip", name, [name, graph.constant("zero", [], scalar(0)), graph.constant("six", [], scalar(6))])

/** The means of windows along an axis of images. */
const windowMeans = (value: string, axis: 2 | 3, length: number, count: number, { graph }: Rendering): string => {
  const numbers = (...values: ReadonlyArray<number>) =>
    graph.constant("average.window", [values.length], BigInt64Array.from(values, BigInt))
  const means = averagingWindows(length, count).map(({ from, to }) => {
    const window = graph.node("Slice", "average", [value, numbers(from), numbers(to), numbers(axis)])
    return graph.node("ReduceMean", "average", [window], { axes: [axis], keepdims: 1 })
  })
  return graph.node("Concat", "average", means, { axis })
}

/**
 * Averages rows and then columns: a product with a matrix would carry NaN and infinities into other windows.
 */
const adaptiveAveragePool = (
  { size }: typeof AdaptiveAveragePool.Type,
  { name, shape }: Value,
  into: Rendering
): string => {
  const [height, width] = shape as readonly [number, number, number] // the shapes were checked
  const [rows, columns] = size
  if (height === rows && width === columns) return name
  return windowMeans(windowMeans(name, 2, height, rows, into), 3, width, columns, into)
}

/** The largest of each window. */
const maxPool = (block: typeof MaxPool.Type, { name, shape }: Value, { graph, keepsNaN = false }: Rendering) => {
  const attributes = sliding(shape, [block.size, block.size], block)
  const largest = graph.node("MaxPool", "pool", [name], attributes)
  if (!keepsNaN) return largest
  // After the ReLU there are no two infinities of opposite sign: the mean is NaN only where the window has a NaN.
  const mean = graph.node("AveragePool", "pool", [graph.node("Relu", "pool", [name])], attributes)
  return graph.node("Where", "pool", [graph.node("IsNaN", "pool", [mean]), mean, largest])
}

/** An ONNX file's operators in place; it takes images as they are here, and gives a row an image. */
const onnx = (input: Value, { backbone, graph }: Rendering): string => {
  if (backbone === undefined) throw new Error("the ONNX file of the network's frozen part is missing")
  graph.embed(readOnnx(backbone), input.name)
  return backboneOutput
}

const render = (block: Exclude<Block, Linear>, input: Value, into: Rendering): string => {
  const { graph } = into
  switch (block._tag) {
    case "BatchNorm":
      return batchNorm(block, input, into)
    case "Activation":
      return activation(block, input, into)
    case "MaxPool":
      return maxPool(block, input, into)
    case "GlobalAveragePool":
      return graph.node("Flatten", "pool", [graph.node("GlobalAveragePool", "pool", [input.name])], { axis: 1 })
    case "AdaptiveAveragePool":
      return adaptiveAveragePool(block, input, into)
    case "Flatten":
      return graph.node("Flatten", "flatten", [input.name], { axis: 1 })
    case "Dropout":
      return input.name
    case "Onnx":
      return onnx(input, into)
    case "Residual":
      return graph.node(
        "Add",
        "residual",
        [block.blocks, block.shortcut ?? []].map((blocks) => renderBlocks(blocks, input, into).name)
      )
    case "Gate":
    case "LayerNorm":
    case "LayerScale":
    case "StochasticDepth":
    case "Tokens":
    case "ClassToken":
    case "PositionEmbedding":
    case "Attention":
    case "FirstToken":
      throw new Error(`a ${block._tag} cannot be exported yet`)
    case "Heads":
      return graph.node(
        "Concat",
        "heads",
        block.heads.map(({ blocks }) => renderBlocks(blocks, input, into).name),
        { axis: 1 }
      )
  }
}

/**
 * Blocks in inference mode as operators of ONNX, one after the other, from a value on. The weights must be those of the
 * blocks; throws `ShapeMismatch` where a block does not fit its input.
 */
export const renderBlocks = (blocks: ReadonlyArray<Block>, input: Value, into: Rendering): Value => {
  let value = input
  for (const { block, norms } of applied(blocks)) {
    const shape = outputShape(block, value.shape)
    const name = isLinear(block) ? linear(block, norms, value, into) : render(block, value, into)
    value = { name, shape }
  }
  return value
}
