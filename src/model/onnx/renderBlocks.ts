import { elementAt } from "../../pipeline/elementAt.ts"
import { averagingWindows } from "../averagingMatrix.ts"
import { insideOf } from "../Block.ts"
import type {
  Activation,
  AdaptiveAveragePool,
  Attention,
  BatchNorm,
  Block,
  ClassToken,
  Gate,
  LayerNorm,
  LayerScale,
  MaxPool,
  PositionEmbedding,
  Residual
} from "../Block.ts"
import { channelsLast } from "../layout.ts"
import { outputShape, window } from "../shapes.ts"
import type { Shape } from "../shapes.ts"
import { named } from "../Tensor.ts"
import type { Tensor, Weights } from "../Tensor.ts"
import { backboneOutput } from "./backbone.ts"
import { affineOf, applied, folded, isLinear } from "./linear.ts"
import type { Linear } from "./linear.ts"
import { readOnnx } from "./OnnxFile.ts"
import { oldestWritten } from "./OnnxGraph.ts"
import type { OnnxGraph } from "./OnnxGraph.ts"
import { convolveInTiles, isFasterInTiles } from "./winograd.ts"

/** A value in a graph; the shape is ours (height, width, channels), without the batch. */
export interface Value {
  readonly name: string
  readonly shape: Shape
  /** Of images: NCHW, as ONNX has them, also where left out; or NHWC, for a run of operators of each pixel by itself. */
  readonly channels?: "first" | "last"
}

/** The version of ONNX's operators that a block needs. Source: ONNX's docs/Changelog.md. */
const opsetOfBlock = (block: Block): number =>
  block._tag === "LayerNorm" ? 17 : block._tag === "Activation" && block.kind === "hard-swish" ? 14 : oldestWritten

/** The version of ONNX's operators that blocks are rendered in: the oldest that has them all. */
export const opsetOf = (blocks: ReadonlyArray<Block>): number =>
  blocks.reduce((most, block) => Math.max(most, opsetOfBlock(block), ...insideOf(block).map(opsetOf)), oldestWritten)

const isLast = ({ channels, shape }: Value): boolean => shape.length === 3 && channels === "last"

/** An image with its channels first or last; any other value as it is. */
export const inOrder = (value: Value, channels: "first" | "last", graph: OnnxGraph, name = "order"): Value =>
  value.shape.length !== 3 || isLast(value) === (channels === "last")
    ? value
    : {
        ...value,
        name: graph.node("Transpose", name, [value.name], { perm: channels === "last" ? [0, 2, 3, 1] : [0, 3, 1, 2] }),
        channels
      }

/** The graph that operators are added to, and the weights of their constants. */
export interface Rendering {
  readonly graph: OnnxGraph
  readonly weights: Weights
  /** As `Frozen` has it. */
  readonly backbone?: Uint8Array<ArrayBuffer> | undefined
  /** Whether max pooling keeps NaN. ONNX leaves that to the runtime, and onnxruntime loses NaN. */
  readonly keepsNaN?: boolean
  /** Whether convolutions that are faster in tiles are computed so; their results differ in the last bits. */
  readonly inTiles?: boolean
}

const scalar = (value: number) => Float32Array.of(value)

/** Whole numbers in a row, as operators take shapes and axes. */
const whole = (graph: OnnxGraph, name: string, ...values: ReadonlyArray<number>) =>
  graph.constant(name, [values.length], BigInt64Array.from(values, BigInt))

/** The shape of one number a channel that an operator spreads over a value. */
const perChannel = (value: Value, channels: number): ReadonlyArray<number> =>
  value.shape.length !== 3 || isLast(value) ? [channels] : [channels, 1, 1]

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

/** What a linear block gives, without its shape. */
type Given = Omit<Value, "shape">

/** A product of the last axis with a matrix in PyTorch's layout, and its bias. */
const product = (
  value: string,
  name: string,
  { bias, weight }: { readonly weight: Tensor; readonly bias: Float32Array | undefined },
  graph: OnnxGraph
): string => {
  const { data, shape } = channelsLast(weight)
  const result = graph.node("MatMul", name, [value, graph.constant(`${name}.weight`, shape, data)])
  return bias === undefined
    ? result
    : graph.node("Add", name, [graph.constant(`${name}.bias`, [bias.length], bias), result])
}

const linear = (block: Linear, norms: ReadonlyArray<typeof BatchNorm.Type>, value: Value, into: Rendering): Given => {
  const { graph } = into
  const { bias, weight } = folded(block, norms, into.weights)
  const { name } = block
  if (block._tag === "Dense" && value.shape.length > 1) {
    const input = inOrder(value, "last", graph, name)
    return { ...input, name: product(input.name, name, { bias, weight }, graph) }
  }
  if (into.inTiles === true && isFasterInTiles(block, value.shape)) {
    const shape = value.shape as readonly [number, number, number] // the shapes were checked
    const input = inOrder(value, "last", graph, name)
    return { name: convolveInTiles(input.name, block, shape, { bias, weight }, graph), channels: "last" }
  }
  const input = inOrder(value, "first", graph, name)
  const inputs = [input.name, graph.constant(`${name}.weight`, weight.shape, weight.data)]
  if (bias !== undefined) inputs.push(graph.constant(`${name}.bias`, [bias.length], bias))
  if (block._tag === "Dense") return { name: graph.node("Gemm", name, inputs, { transB: 1 }) }
  const group = block._tag === "DepthwiseConv2d" ? elementAt(weight.shape, 0) : 1 // the channels come first
  return { name: graph.node("Conv", name, inputs, { ...sliding(input.shape, block.kernel, block), group }) }
}

/** A batch norm that does not follow a linear block, and is not folded into one. */
const batchNorm = (block: typeof BatchNorm.Type, value: Value, { graph, weights }: Rendering): string => {
  const { scale, shift } = affineOf(block, weights)
  const { name } = value
  const dimensions = perChannel(value, scale.length)
  const factor = graph.constant(`${block.name}.scale`, dimensions, Float32Array.from(scale))
  const term = graph.constant(`${block.name}.shift`, dimensions, Float32Array.from(shift))
  return graph.node("Add", block.name, [graph.node("Mul", block.name, [name, factor]), term])
}

const activation = ({ kind }: typeof Activation.Type, { name }: Value, { graph }: Rendering): string => {
  const constant = (what: string, value: number) => graph.constant(what, [], scalar(value))
  const node = (operator: string, ...inputs: ReadonlyArray<string>) => graph.node(operator, name, inputs)
  switch (kind) {
    case "relu":
      return node("Relu", name)
    case "relu6":
      return node("Clip", name, constant("zero", 0), constant("six", 6))
    case "sigmoid":
      return node("Sigmoid", name)
    case "silu":
      return node("Mul", name, node("Sigmoid", name))
    case "hard-sigmoid":
      return graph.node("HardSigmoid", name, [name], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })
    case "hard-swish":
      return node("HardSwish", name)
    case "gelu": {
      // These five operators in this order are what onnxruntime and others know as one; a Gelu came with opset 20.
      const erf = node("Erf", node("Div", name, constant("rootOfTwo", Math.SQRT2)))
      return node("Mul", node("Mul", name, node("Add", erf, constant("one", 1))), constant("half", 0.5))
    }
  }
}

/** The mean of each channel of images; as pixels, or flat. */
const means = (input: Value, graph: OnnxGraph, isFlat: boolean): Given => {
  if (isLast(input))
    return {
      name: graph.node("ReduceMean", "pool", [input.name], { axes: [1, 2], keepdims: isFlat ? 0 : 1 }),
      channels: "last"
    }
  const pooled = graph.node("GlobalAveragePool", "pool", [input.name])
  return { name: isFlat ? graph.node("Flatten", "pool", [pooled], { axis: 1 }) : pooled }
}

const layerNorm = ({ eps, name }: typeof LayerNorm.Type, value: Value, { graph, weights }: Rendering): Given => {
  const input = inOrder(value, "last", graph, name)
  const constant = (part: string) => {
    const { data, shape } = named(weights, `${name}.${part}`)
    return graph.constant(`${name}.${part}`, shape, data)
  }
  const inputs = [input.name, constant("weight"), constant("bias")]
  return {
    ...input,
    name: graph.node("LayerNormalization", name, inputs, { axis: -1, epsilon: { float: eps } })
  }
}

const layerScale = ({ name }: typeof LayerScale.Type, value: Value, { graph, weights }: Rendering): string => {
  const { data } = named(weights, name)
  return graph.node("Mul", name, [value.name, graph.constant(name, perChannel(value, data.length), data)])
}

/** A row of zeros in front of the tokens, and the class's token added to it: no shape is computed. */
const classToken = ({ name }: typeof ClassToken.Type, value: Value, { graph, weights }: Rendering): string => {
  const { data } = named(weights, name)
  const [count, channels] = value.shape as readonly [number, number] // the shapes were checked
  const rows = new Float32Array((count + 1) * channels)
  rows.set(data)
  const padded = graph.node("Pad", name, [value.name, whole(graph, `${name}.pads`, 0, 1, 0, 0, 0, 0)])
  return graph.node("Add", name, [padded, graph.constant(name, [1, count + 1, channels], rows)])
}

const positionEmbedding = (
  { name }: typeof PositionEmbedding.Type,
  value: Value,
  { graph, weights }: Rendering
): string => {
  const { data, shape } = named(weights, name)
  return graph.node("Add", name, [value.name, graph.constant(name, shape, data)])
}

/** Heads are one axis more; the batch is what it is. */
const attention = ({ heads, name }: typeof Attention.Type, value: Value, { graph, weights }: Rendering): string => {
  const [count, channels] = value.shape as readonly [number, number] // the shapes were checked
  const part = channels / heads
  const inner = named(weights, `${name}.in_proj_weight`).data
  const innerBias = named(weights, `${name}.in_proj_bias`).data
  const projected = (what: string, index: number, order: ReadonlyArray<number>) => {
    const rows = (data: Float32Array, width: number) =>
      data.subarray(index * channels * width, (index + 1) * channels * width)
    const weight = { shape: [channels, channels], data: rows(inner, channels) }
    const all = product(value.name, `${name}.${what}`, { weight, bias: rows(innerBias, 1) }, graph)
    const apart = graph.node("Reshape", name, [all, whole(graph, `${name}.heads`, 0, count, heads, part)])
    return graph.node("Transpose", name, [apart], { perm: order })
  }
  const query = projected("query", 0, [0, 2, 1, 3])
  const key = projected("key", 1, [0, 2, 3, 1])
  const values = projected("value", 2, [0, 2, 1, 3])
  const scale = graph.constant(`${name}.scale`, [], scalar(1 / Math.sqrt(part)))
  const scores = graph.node("Mul", name, [graph.node("MatMul", name, [query, key]), scale])
  const mixed = graph.node("MatMul", name, [graph.node("Softmax", name, [scores], { axis: -1 }), values])
  const beside = graph.node("Transpose", name, [mixed], { perm: [0, 2, 1, 3] })
  const joined = graph.node("Reshape", name, [beside, whole(graph, `${name}.channels`, 0, count, channels)])
  return product(
    joined,
    `${name}.out_proj`,
    { weight: named(weights, `${name}.out_proj.weight`), bias: named(weights, `${name}.out_proj.bias`).data },
    graph
  )
}

/** Pixels as tokens, row by row. */
const tokens = (value: Value, graph: OnnxGraph): string => {
  const [height, width, channels] = value.shape as readonly [number, number, number] // the shapes were checked
  const reshaped = (...shape: ReadonlyArray<number>) =>
    graph.node("Reshape", "tokens", [value.name, whole(graph, "tokens.shape", ...shape)])
  if (isLast(value)) return reshaped(0, height * width, channels)
  return graph.node("Transpose", "tokens", [reshaped(0, channels, height * width)], { perm: [0, 2, 1] })
}

/** The sum of two values, or their product, in the order of the first one's channels. */
const together = (operator: "Add" | "Mul", name: string, [one, other]: readonly [Value, Value], graph: OnnxGraph) => {
  const beside = inOrder(other, isLast(one) ? "last" : "first", graph, name)
  return { ...one, name: graph.node(operator, name, [one.name, beside.name]) }
}

const residual = (block: Residual, input: Value, into: Rendering): Given => {
  const blocks = renderBlocks(block.blocks, input, into)
  const shortcut = renderBlocks(block.shortcut ?? [], input, into)
  // In the order of the shortcut's: a block of several pixelwise operators ends where it began.
  const order = isLast(shortcut) ? "last" : "first"
  return together("Add", "residual", [inOrder(blocks, order, into.graph, "residual"), shortcut], into.graph)
}

const gate = ({ blocks }: Gate, input: Value, into: Rendering): Given =>
  together("Mul", "gate", [input, renderBlocks(blocks, input, into)], into.graph)

/** The means of windows along an axis of images. */
const windowMeans = (value: string, axis: 2 | 3, length: number, count: number, { graph }: Rendering): string => {
  const numbers = (...values: ReadonlyArray<number>) => whole(graph, "average.window", ...values)
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

const render = (block: Exclude<Block, Linear>, value: Value, into: Rendering): Given => {
  const { graph } = into
  const same = (name: string): Given => ({ ...value, name })
  const images = () => inOrder(value, "first", graph)
  switch (block._tag) {
    case "BatchNorm":
      return same(batchNorm(block, value, into))
    case "Activation":
      return same(activation(block, value, into))
    case "LayerScale":
      return same(layerScale(block, value, into))
    case "LayerNorm":
      return layerNorm(block, value, into)
    case "MaxPool":
      return { name: maxPool(block, images(), into) }
    case "GlobalAveragePool":
      return means(value, graph, true)
    case "AdaptiveAveragePool":
      return block.size.join() === "1,1"
        ? means(value, graph, false)
        : { name: adaptiveAveragePool(block, images(), into) }
    case "Flatten":
      return { name: graph.node("Flatten", "flatten", [images().name], { axis: 1 }) }
    case "Tokens":
      return { name: tokens(value, graph) }
    case "ClassToken":
      return { name: classToken(block, value, into) }
    case "PositionEmbedding":
      return { name: positionEmbedding(block, value, into) }
    case "Attention":
      return { name: attention(block, value, into) }
    case "FirstToken":
      return {
        name: graph.node("Gather", "first", [value.name, graph.constant("first", [], BigInt64Array.of(0n))], {
          axis: 1
        })
      }
    case "Dropout":
    case "StochasticDepth":
      return value
    case "Onnx":
      return { name: onnx(value, into) }
    case "Residual":
      return residual(block, value, into)
    case "Gate":
      return gate(block, value, into)
    case "Heads": {
      const logits = block.heads.map(({ blocks }) => renderBlocks(blocks, value, into).name)
      return { name: graph.node("Concat", "heads", logits, { axis: 1 }) }
    }
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
    const { channels = "first", name } = isLinear(block)
      ? linear(block, norms, value, into)
      : render(block, value, into)
    value = { name, shape, channels }
  }
  return value
}
