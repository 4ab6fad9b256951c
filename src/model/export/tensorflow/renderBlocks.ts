import { elementAt } from "../../../pipeline/elementAt.ts"
import { averagingMatrix } from "../../averagingMatrix.ts"
import type { AdaptiveAveragePool, BatchNorm, Block, Heads, MaxPool, Padding } from "../../Block.ts"
import { channelsLast } from "../../layout.ts"
import { affineOf, applied, folded, isLinear } from "../../onnx/linear.ts"
import type { Linear } from "../../onnx/linear.ts"
import { notOfEngines, outputShape, window } from "../../shapes.ts"
import type { Shape } from "../../shapes.ts"
import type { Weights } from "../../Tensor.ts"
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

const linear = (block: Linear, norms: ReadonlyArray<typeof BatchNorm.Type>, input: Value, into: Rendering): string => {
  const { graph } = into
  const { name } = block
  const { bias, weight } = folded(block, norms, into.weights)
  const { data, shape } = channelsLast(weight)
  const withBias = (value: string) =>
    bias === undefined
      ? value
      : graph.node("BiasAdd", name, [value, graph.constant(`${name}.bias`, [bias.length], bias)])
  if (block._tag === "Dense")
    return withBias(graph.node("MatMul", name, [input.name, graph.constant(`${name}.weight`, shape, data)]))
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

const transpose = (value: string, order: ReadonlyArray<number>, graph: TensorflowGraph) =>
  graph.node("Transpose", "order", [value, graph.indices("order", order)])

const reshape = (value: string, shape: ReadonlyArray<number>, graph: TensorflowGraph) =>
  graph.node("Reshape", "shape", [value, graph.indices("shape", shape)])

/** A product of the pixels of each channel with the matrix that averages. */
const adaptiveAveragePool = (
  { size }: typeof AdaptiveAveragePool.Type,
  { name, shape }: Value,
  { graph }: Rendering
): string => {
  const [height, width, channels] = shape as readonly [number, number, number] // the shapes were checked
  const [rows, columns] = size
  if (height === rows && width === columns) return name
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

const render = (block: Exclude<Block, Linear>, input: Value, into: Rendering): string => {
  const { graph } = into
  switch (block._tag) {
    case "BatchNorm":
      return batchNorm(block, input, into)
    case "Activation":
      return graph.node(block.kind === "relu" ? "Relu" : "Relu6", "activation", [input.name])
    case "MaxPool":
      return maxPool(block, input, into)
    case "GlobalAveragePool":
      return graph.node("Mean", "pool", [input.name, graph.indices("pool/axes", [1, 2])], {
        keep_dims: { flag: false }
      })
    case "AdaptiveAveragePool":
      return adaptiveAveragePool(block, input, into)
    case "Flatten": {
      const length = input.shape.reduce((product, n) => product * n, 1)
      // PyTorch's order: channel, row, column.
      return reshape(transpose(input.name, [0, 3, 1, 2], graph), [-1, length], graph)
    }
    case "Dropout":
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
