import { elementAt } from "../../../pipeline/elementAt.ts"
import { averagingMatrix } from "../../averagingMatrix.ts"
import type {
  Activation,
  AdaptiveAveragePool,
  Attention,
  BatchNorm,
  Block,
  ClassToken,
  Heads,
  LayerNorm,
  LayerScale,
  MaxPool,
  Padding,
  PositionEmbedding
} from "../../Block.ts"
import { channelsLast } from "../../layout.ts"
import { affineOf, applied, folded, isLinear } from "../../onnx/linear.ts"
import type { Linear } from "../../onnx/linear.ts"
import { notOfEngines, outputShape, window } from "../../shapes.ts"
import type { Shape } from "../../shapes.ts"
import { named, sizeOf } from "../../Tensor.ts"
import type { Tensor, Weights } from "../../Tensor.ts"
import type { Attribute, TensorflowGraph } from "./TensorflowGraph.ts"

/** A value in a graph, NHWC as ours; the shape is without the batch. */
interface Value {
  readonly name: string
  readonly shape: Shape
}

interface Rendering {
  readonly graph: TensorflowGraph
  readonly weights: Weights
}

/** The smallest float32: what pads an image before a maximum is taken. */
const lowest = -3.4028234663852886e38

const numbers = (...values: ReadonlyArray<number>): Attribute => ({ numbers: values })

/**
 * The input of an operation that slides a kernel, and its attributes. The padding is TensorFlow's own `SAME` where that
 * is the same; otherwise a node before the operation pads.
 */
const sliding = (
  { name, shape }: Value,
  block: string,
  kernel: readonly [number, number],
  { padding, stride }: { readonly padding: Padding; readonly stride: number },
  graph: TensorflowGraph,
  around: number | undefined
) => {
  const [height, width] = shape as readonly [number, number, number] // the shapes were checked
  const axes = [
    [height, kernel[0]],
    [width, kernel[1]]
  ] as const
  const sides = axes.map(([length, size]) => window(length, size, stride, padding))
  const isSame = axes.every(([length, size]) => {
    const own = window(length, size, stride, padding)
    const same = window(length, size, stride, "same")
    return own.output === same.output && own.before === same.before && own.after === same.after
  })
  const attributes = (padding: "SAME" | "VALID"): Readonly<Record<string, Attribute>> => ({
    strides: numbers(1, stride, stride, 1),
    padding: { text: padding },
    data_format: { text: "NHWC" }
  })
  if (isSame) return { input: name, attributes: attributes("SAME") }
  if (sides.every(({ after, before }) => after + before === 0)) return { input: name, attributes: attributes("VALID") }
  const amounts = graph.constant(
    `${block}/paddings`,
    [4, 2],
    Int32Array.of(0, 0, ...sides.flatMap(({ after, before }) => [before, after]), 0, 0)
  )
  const padded =
    around === undefined
      ? graph.node("Pad", block, [name, amounts])
      : graph.node("PadV2", block, [name, amounts, graph.constant(`${block}/around`, [], Float32Array.of(around))])
  return { input: padded, attributes: attributes("VALID") }
}

const transpose = (value: string, order: ReadonlyArray<number>, graph: TensorflowGraph) =>
  graph.node("Transpose", "order", [value, graph.indices("order", order)])

const reshape = (value: string, shape: ReadonlyArray<number>, graph: TensorflowGraph) =>
  graph.node("Reshape", "shape", [value, graph.indices("shape", shape)])

/** A product of the last axis with a matrix in PyTorch's layout, and its bias. TensorFlow's own has two axes. */
const product = (
  value: Value,
  name: string,
  { bias, weight }: { readonly weight: Tensor; readonly bias: Float32Array | undefined },
  graph: TensorflowGraph
): string => {
  const { data, shape } = channelsLast(weight)
  const [inputs, outputs] = shape as readonly [number, number] // a matrix
  const isFlat = value.shape.length === 1
  const rows = isFlat ? value.name : reshape(value.name, [-1, inputs], graph)
  const result = graph.node("MatMul", name, [rows, graph.constant(`${name}.weight`, shape, data)])
  const biased =
    bias === undefined
      ? result
      : graph.node("BiasAdd", name, [result, graph.constant(`${name}.bias`, [bias.length], bias)])
  return isFlat ? biased : reshape(biased, [-1, ...value.shape.slice(0, -1), outputs], graph)
}

const linear = (block: Linear, norms: ReadonlyArray<typeof BatchNorm.Type>, input: Value, into: Rendering): string => {
  const { graph } = into
  const { name } = block
  const { bias, weight } = folded(block, norms, into.weights)
  if (block._tag === "Dense") return product(input, name, { bias, weight }, graph)
  const { data, shape } = channelsLast(weight)
  const withBias = (value: string) =>
    bias === undefined
      ? value
      : graph.node("BiasAdd", name, [value, graph.constant(`${name}.bias`, [bias.length], bias)])
  const isDepthwise = block._tag === "DepthwiseConv2d"
  // The same numbers in the same order: one filter for each channel.
  const filter = isDepthwise ? [...block.kernel, elementAt(shape, 3), 1] : shape
  const { attributes, input: around } = sliding(input, name, block.kernel, block, graph, undefined)
  const kernel = graph.constant(`${name}.weight`, filter, data)
  return withBias(
    graph.node(isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", name, [around, kernel], {
      ...attributes,
      dilations: numbers(1, 1, 1, 1)
    })
  )
}

/** A batch norm that does not follow a linear block, and is not folded into one. */
const batchNorm = (block: typeof BatchNorm.Type, { name }: Value, { graph, weights }: Rendering): string => {
  const { scale, shift } = affineOf(block, weights)
  const factor = graph.constant(`${block.name}.scale`, [scale.length], Float32Array.from(scale))
  const term = graph.constant(`${block.name}.shift`, [shift.length], Float32Array.from(shift))
  return graph.node("AddV2", block.name, [graph.node("Mul", block.name, [name, factor]), term])
}

const maxPool = (block: typeof MaxPool.Type, value: Value, { graph }: Rendering): string => {
  const { attributes, input } = sliding(value, "pool", [block.size, block.size], block, graph, lowest)
  return graph.node("MaxPool", "pool", [input], { ...attributes, ksize: numbers(1, block.size, block.size, 1) })
}

/** The mean over height and width; as pixels, or flat. */
const means = ({ name }: Value, isFlat: boolean, graph: TensorflowGraph): string =>
  graph.node("Mean", "pool", [name, graph.indices("pool/axes", [1, 2])], { keep_dims: { flag: !isFlat } })

/** A product of the pixels of each channel with the matrix that averages. */
const adaptiveAveragePool = (
  { size }: typeof AdaptiveAveragePool.Type,
  { name, shape }: Value,
  { graph }: Rendering
): string => {
  const [height, width, channels] = shape as readonly [number, number, number] // the shapes were checked
  const [rows, columns] = size
  if (height === rows && width === columns) return name
  if (rows * columns === 1) return means({ name, shape }, false, graph)
  const matrix = channelsLast({ shape: [rows * columns, height * width], data: averagingMatrix([height, width], size) })
  const channel = reshape(transpose(name, [0, 3, 1, 2], graph), [-1, height * width], graph)
  const averaged = graph.node("MatMul", "average", [
    channel,
    graph.constant("average.matrix", matrix.shape, matrix.data)
  ])
  return transpose(reshape(averaged, [-1, channels, rows, columns], graph), [0, 2, 3, 1], graph)
}

/** The logits of all heads in a row. */
const heads = ({ heads }: Heads, input: Value, into: Rendering): string => {
  const values = heads.map(({ blocks }) => renderBlocks(blocks, input, into).name)
  const [only] = values
  // TensorFlow joins two or more.
  if (only !== undefined && values.length === 1) return only
  const axis = into.graph.constant("heads/axis", [], Int32Array.of(1))
  return into.graph.node("ConcatV2", "heads", [...values, axis], {
    N: { number: values.length },
    Tidx: { type: "DT_INT32" }
  })
}

const activation = ({ kind }: typeof Activation.Type, x: string, graph: TensorflowGraph): string => {
  const node = (op: string, ...inputs: ReadonlyArray<string>) => graph.node(op, "activation", inputs)
  const constant = (name: string, value: number) => graph.constant(`activation/${name}`, [], Float32Array.of(value))
  const hardSigmoid = () => node("Mul", node("Relu6", node("AddV2", x, constant("three", 3))), constant("sixth", 1 / 6))
  switch (kind) {
    case "relu":
      return node("Relu", x)
    case "relu6":
      return node("Relu6", x)
    case "sigmoid":
      return node("Sigmoid", x)
    case "silu":
      return node("Mul", x, node("Sigmoid", x))
    case "hard-sigmoid":
      return hardSigmoid()
    case "hard-swish":
      return node("Mul", x, hardSigmoid())
    case "gelu": {
      const erf = node("Erf", node("Mul", x, constant("root", Math.SQRT1_2)))
      return node("Mul", node("Mul", x, constant("half", 0.5)), node("AddV2", erf, constant("one", 1)))
    }
  }
}

const layerNorm = (
  { eps, name }: typeof LayerNorm.Type,
  { name: x, shape }: Value,
  { graph, weights }: Rendering
): string => {
  const node = (op: string, ...inputs: ReadonlyArray<string>) => graph.node(op, name, inputs)
  const mean = (value: string) =>
    graph.node("Mean", name, [value, graph.indices(`${name}/axis`, [shape.length])], { keep_dims: { flag: true } })
  const constant = (part: string) => {
    const { data, shape } = named(weights, `${name}.${part}`)
    return graph.constant(`${name}.${part}`, shape, data)
  }
  const centred = node("Sub", x, mean(x))
  const variance = mean(node("Mul", centred, centred))
  const scale = node("Rsqrt", node("AddV2", variance, graph.constant(`${name}/eps`, [], Float32Array.of(eps))))
  return node("AddV2", node("Mul", node("Mul", centred, scale), constant("weight")), constant("bias"))
}

const layerScale = ({ name }: typeof LayerScale.Type, x: string, { graph, weights }: Rendering): string => {
  const { data } = named(weights, name)
  return graph.node("Mul", name, [x, graph.constant(name, [data.length], data)])
}

/** A row of zeros in front of the tokens, and the class's token added to it: no shape is computed. */
const classToken = ({ name }: typeof ClassToken.Type, value: Value, { graph, weights }: Rendering): string => {
  const { data } = named(weights, name)
  const [count, channels] = value.shape as readonly [number, number] // the shapes were checked
  const rows = new Float32Array((count + 1) * channels)
  rows.set(data)
  const amounts = graph.constant(`${name}/paddings`, [3, 2], Int32Array.of(0, 0, 1, 0, 0, 0))
  const padded = graph.node("Pad", name, [value.name, amounts])
  return graph.node("AddV2", name, [padded, graph.constant(name, [1, count + 1, channels], rows)])
}

const positionEmbedding = (
  { name }: typeof PositionEmbedding.Type,
  x: string,
  { graph, weights }: Rendering
): string => {
  const { data, shape } = named(weights, name)
  return graph.node("AddV2", name, [x, graph.constant(name, shape, data)])
}

const attention = ({ heads, name }: typeof Attention.Type, value: Value, { graph, weights }: Rendering): string => {
  const [count, channels] = value.shape as readonly [number, number] // the shapes were checked
  const part = channels / heads
  const inner = named(weights, `${name}.in_proj_weight`).data
  const innerBias = named(weights, `${name}.in_proj_bias`).data
  const projected = (what: string, index: number) => {
    const rows = (data: Float32Array, width: number) =>
      data.subarray(index * channels * width, (index + 1) * channels * width)
    const weight = { shape: [channels, channels], data: rows(inner, channels) }
    const all = product(value, `${name}.${what}`, { weight, bias: rows(innerBias, 1) }, graph)
    return transpose(reshape(all, [-1, count, heads, part], graph), [0, 2, 1, 3], graph)
  }
  const multiplied = (one: string, other: string, isTransposed: boolean) =>
    graph.node("BatchMatMulV2", name, [one, other], { adj_x: { flag: false }, adj_y: { flag: isTransposed } })
  const query = projected("query", 0)
  const key = projected("key", 1)
  const scale = graph.constant(`${name}/scale`, [], Float32Array.of(1 / Math.sqrt(part)))
  const scores = graph.node("Mul", name, [multiplied(query, key, true), scale])
  const mixed = multiplied(graph.node("Softmax", name, [scores]), projected("value", 2), false)
  const joined = reshape(transpose(mixed, [0, 2, 1, 3], graph), [-1, count, channels], graph)
  const outer = {
    weight: named(weights, `${name}.out_proj.weight`),
    bias: named(weights, `${name}.out_proj.bias`).data
  }
  return product({ name: joined, shape: value.shape }, `${name}.out_proj`, outer, graph)
}

const firstToken = ({ name, shape }: Value, graph: TensorflowGraph): string => {
  const [, channels] = shape as readonly [number, number] // the shapes were checked
  const begin = graph.indices("first/begin", [0, 0, 0])
  const size = graph.indices("first/size", [-1, 1, channels])
  return reshape(
    graph.node("Slice", "first", [name, begin, size], { Index: { type: "DT_INT32" } }),
    [-1, channels],
    graph
  )
}

const render = (block: Exclude<Block, Linear>, input: Value, into: Rendering): string => {
  const { graph } = into
  switch (block._tag) {
    case "BatchNorm":
      return batchNorm(block, input, into)
    case "LayerNorm":
      return layerNorm(block, input, into)
    case "LayerScale":
      return layerScale(block, input.name, into)
    case "Activation":
      return activation(block, input.name, graph)
    case "MaxPool":
      return maxPool(block, input, into)
    case "GlobalAveragePool":
      return means(input, true, graph)
    case "AdaptiveAveragePool":
      return adaptiveAveragePool(block, input, into)
    case "Flatten":
      // PyTorch's order: channel, row, column.
      return reshape(
        input.shape.length === 3 ? transpose(input.name, [0, 3, 1, 2], graph) : input.name,
        [-1, sizeOf(input.shape)],
        graph
      )
    case "Tokens":
      return reshape(input.name, [-1, ...outputShape(block, input.shape)], graph)
    case "ClassToken":
      return classToken(block, input, into)
    case "PositionEmbedding":
      return positionEmbedding(block, input.name, into)
    case "Attention":
      return attention(block, input, into)
    case "FirstToken":
      return firstToken(input, graph)
    case "Dropout":
    case "StochasticDepth":
      return input.name
    case "Onnx":
      throw notOfEngines()
    case "Residual":
      return graph.node(
        "AddV2",
        "residual",
        [block.blocks, block.shortcut ?? []].map((blocks) => renderBlocks(blocks, input, into).name)
      )
    case "Gate":
      return graph.node("Mul", "gate", [input.name, renderBlocks(block.blocks, input, into).name])
    case "Heads":
      return heads(block, input, into)
  }
}

/**
 * Blocks in inference mode as operations of TensorFlow, one after the other, from a value on. The weights must be those
 * of the blocks; throws `ShapeMismatch` where a block does not fit its input.
 */
export const renderBlocks = (blocks: ReadonlyArray<Block>, input: Value, into: Rendering): Value => {
  let value = input
  for (const { block, norms } of applied(blocks)) {
    const shape = outputShape(block, value.shape)
    value = { name: isLinear(block) ? linear(block, norms, value, into) : render(block, value, into), shape }
  }
  return value
}
