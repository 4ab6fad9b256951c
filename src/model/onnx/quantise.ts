/**
 * ONNX files in 8 bits, quantised statically: weights as int8, one symmetric scale an output channel; what they weigh as
 * uint8, with one scale and one zero point a value, from ranges that were observed on images.
 *
 * Each quantised value goes through a QuantizeLinear and a DequantizeLinear (QDQ), so that the file is a float32 graph that
 * says where it rounds, and a runtime fuses what it has kernels for. Source: onnxruntime's documentation, Quantize ONNX
 * models; Jacob et al., Quantization and Training of Neural Networks, 2018.
 */
import { elementAt } from "../../pipeline/elementAt.ts"
import type { Rewrite, RewriteConstant, RewriteNode } from "./OnnxRewrite.ts"
import {
  float32Values,
  isWeighted,
  newConstant,
  newNode,
  readRewrite,
  realNumber,
  wholeNumber,
  withGraph
} from "./OnnxRewrite.ts"

/** What a value was between, in some images. */
export interface Range {
  readonly low: number
  readonly high: number
}

/** The oldest operators with a scale for each channel. */
const oldestOpset = 13

/** Operators that runtimes have in 8 bits, besides the weighted sums. */
const alsoInBytes = new Set("Add,AveragePool,GlobalAveragePool".split(","))

/** Operators that only move numbers: their result has the scale of their input. */
const movers = new Set("Flatten,MaxPool,Reshape,Squeeze,Transpose,Unsqueeze".split(","))

/** The axis of a weighted sum's weights with its outputs; undefined where it is not a sum that is quantised here. */
const outputAxis = (node: RewriteNode, constants: Rewrite["constants"]): number | undefined => {
  const weight = constants.get(node.inputs[1] ?? "")
  if (!isWeighted(node) || weight?.numbers() === undefined) return undefined
  if (node.operator === "Conv") return 0
  if (weight.shape.length !== 2) return undefined
  if (node.operator === "MatMul") return 1
  const isPlain = (realNumber(node, "alpha") ?? 1) === 1 && (realNumber(node, "beta") ?? 1) === 1
  if (!isPlain || wholeNumber(node, "transA") === 1) return undefined
  return wholeNumber(node, "transB") === 1 ? 0 : 1
}

/** Which values of a graph are quantised, and where. */
interface Plan {
  /** The inputs in 8 bits of a node, by the node. */
  readonly inBytes: ReadonlyMap<RewriteNode, ReadonlyArray<string>>
  /** A value whose scale another one has too, and that one. */
  readonly sameScale: ReadonlyMap<string, string>
  /** The values to observe. */
  readonly observed: ReadonlyArray<string>
}

const planOf = (file: Rewrite): Plan => {
  const { constants, nodes, opset } = file
  if (opset < oldestOpset)
    throw new Error(
      `its operators are of version ${opset}, and int8 with a scale for each channel needs ${oldestOpset}: convert the network's ONNX file, or take fp16`
    )
  const isFloat = float32Values(file)
  const canBe = (name: string) => isFloat.has(name) && !constants.has(name)
  const inBytes = new Map<RewriteNode, ReadonlyArray<string>>()
  for (const node of nodes) {
    const { inputs, operator } = node
    const [first = ""] = inputs
    if (outputAxis(node, constants) !== undefined && canBe(first)) inBytes.set(node, [first])
    if (alsoInBytes.has(operator) && inputs.every(canBe)) inBytes.set(node, inputs)
  }
  // Backwards, so that an operator that only moves numbers is in 8 bits where the operator after it is.
  const wanted = new Set([...inBytes.values()].flat())
  const sameScale = new Map<string, string>()
  for (const node of nodes.toReversed()) {
    const [first = ""] = node.inputs
    const [output = ""] = node.outputs
    if (!movers.has(node.operator) || !wanted.has(output) || !canBe(first)) continue
    inBytes.set(node, [first])
    sameScale.set(output, first)
    wanted.add(first)
  }
  // The scale of several moves is that of the first one's input.
  for (const { outputs } of nodes)
    for (const name of outputs) {
      const from = sameScale.get(name)
      if (from !== undefined) sameScale.set(name, sameScale.get(from) ?? from)
    }
  return { inBytes, sameScale, observed: [...wanted].filter((name) => !sameScale.has(name)).sort() }
}

/** The names of the outputs of `observing`, with the smallest and the largest number of each value. */
const extremes = (index: number) => ({ low: `low ${index}`, high: `high ${index}` })

/**
 * A float32 file that gives, instead of its outputs, the smallest and the largest number of each value to be quantised.
 */
export const observing = (
  bytes: Uint8Array
): {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly values: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
} => {
  const file = readRewrite(bytes)
  const { observed } = planOf(file)
  const added = observed.flatMap((name, i) => {
    const { high, low } = extremes(i)
    return [newNode("ReduceMin", [name], low, { keepdims: 0 }), newNode("ReduceMax", [name], high, { keepdims: 0 })]
  })
  const outputs = added.flatMap((node) => node.outputs)
  return {
    bytes: withGraph(bytes, { nodes: [...file.nodes, ...added], constants: file.constants, outputs }),
    values: observed,
    outputs
  }
}

/** The scale and the zero point of a value in uint8; 0 is exact, as padding needs it. */
const scaleOf = ({ high, low }: Range) => {
  const from = Math.min(0, low)
  const scale = Math.fround((Math.max(0, high) - from) / 255) || 1
  return { scale, zero: Math.min(255, Math.max(0, Math.round(-from / scale))) }
}

const largestInteger = 2 ** 31 - 1

/** Weights in int8 with a scale an output, and the bias in int32 with the scale of the sum. */
const quantisedWeights = (
  weight: RewriteConstant,
  numbers: Float32Array,
  axis: number,
  bias: Float32Array | undefined,
  inputScale: number
) => {
  const outputs = elementAt(weight.shape, axis)
  const inner = weight.shape.slice(axis + 1).reduce((product, n) => product * n, 1)
  const outputAt = (at: number) => Math.floor(at / inner) % outputs
  const largest = new Float64Array(outputs)
  for (const [at, value] of numbers.entries()) {
    const output = outputAt(at)
    largest[output] = Math.max(elementAt(largest, output), Math.abs(value))
  }
  const scales = Float32Array.from(largest, (most, output) => {
    // A channel of weights that are almost 0 gets a scale at which its bias fits into 32 bits.
    const forBias = Math.abs(bias?.[output] ?? 0) / inputScale / (largestInteger / 2)
    return Math.max(most / 127, forBias) || 1
  })
  return {
    scales,
    weight: Int8Array.from(numbers, (value, at) =>
      Math.max(-127, Math.min(127, Math.round(value / elementAt(scales, outputAt(at)))))
    ),
    biasScales: scales.map((scale) => scale * inputScale),
    bias: bias?.map((value, output) => Math.round(value / (elementAt(scales, output) * inputScale)))
  }
}

/**
 * A finished float32 ONNX file in int8 (its bytes), by the ranges of the values that `observing` names. Operators that it
 * does not know, and the result of the last weighted sum, stay float32; values keep their names.
 *
 * Throws an Error where the file's operators are too old, or where a range is not finite.
 */
export const quantised = (bytes: Uint8Array, ranges: ReadonlyMap<string, Range>): Uint8Array<ArrayBuffer> => {
  const file = readRewrite(bytes)
  const { inBytes, sameScale } = planOf(file)
  const constants = new Map<string, RewriteConstant>(file.constants)
  const nodes: Array<RewriteNode> = []

  /** A new name: a short one, as names are a good part of what a small file has besides its weights. */
  let count = 0
  const fresh = () => `~${++count}`
  const added = (constant: RewriteConstant): string => {
    const name = fresh()
    constants.set(name, constant)
    return name
  }

  const scales = new Map<string, ReturnType<typeof scaleOf> & { readonly names: ReadonlyArray<string> }>()
  /** The scale and the zero point of a value, and the names of their constants, which values of one scale share. */
  const scaled = (value: string) => {
    const name = sameScale.get(value) ?? value
    const known = scales.get(name)
    if (known !== undefined) return known
    const range = ranges.get(name)
    if (range === undefined || !Number.isFinite(range.low) || !Number.isFinite(range.high))
      throw new Error(`the value "${name}" is not finite for the images that it was calibrated on`)
    const { scale, zero } = scaleOf(range)
    const names = [
      added(newConstant([], "float32", Float32Array.of(scale))),
      added(newConstant([], "uint8", Uint8Array.of(zero)))
    ]
    const found = { scale, zero, names }
    scales.set(name, found)
    return found
  }

  const done = new Map<string, string>()
  /** The value after rounding to 8 bits. */
  const rounded = (value: string): string => {
    const known = done.get(value)
    if (known !== undefined) return known
    const { names } = scaled(value)
    const [inBytes, again] = [fresh(), fresh()]
    nodes.push(newNode("QuantizeLinear", [value, ...names], inBytes))
    nodes.push(newNode("DequantizeLinear", [inBytes, ...names], again))
    done.set(value, again)
    return again
  }

  const zeros = new Map<number, string>()
  /** Zero points of symmetric weights. They could be left out, but onnxruntime fuses no Gemm then. */
  const zerosOf = (length: number): string => {
    const name = zeros.get(length) ?? added(newConstant([length], "int8", new Int8Array(length)))
    zeros.set(length, name)
    return name
  }

  /** Whole numbers with a scale an output, as the float32 numbers that they stand for. */
  const restored = (
    shape: ReadonlyArray<number>,
    axis: number,
    data: Int8Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
    scales: Float32Array<ArrayBuffer>
  ): string => {
    const isWeight = data instanceof Int8Array
    const inputs = [
      added(newConstant(shape, isWeight ? "int8" : "int32", data)),
      added(newConstant([scales.length], "float32", scales)),
      ...(isWeight ? [zerosOf(scales.length)] : [])
    ]
    const again = fresh()
    nodes.push(newNode("DequantizeLinear", inputs, again, { axis }))
    return again
  }

  /** The weights and the bias of a weighted sum, in 8 and in 32 bits. */
  const weighed = (node: RewriteNode, axis: number): ReadonlyArray<string> => {
    const [input = "", name = "", biasName] = node.inputs
    const weight = constants.get(name)
    const numbers = weight?.numbers()
    if (weight === undefined || numbers === undefined) return node.inputs.slice(1)
    const bias = biasName === undefined ? undefined : constants.get(biasName)?.numbers()
    const found = quantisedWeights(weight, numbers, axis, bias, scaled(input).scale)
    const weights = restored(weight.shape, axis, found.weight, found.scales)
    // Where the bias is no constant, it is added in float32.
    if (bias === undefined || found.bias === undefined) return [weights, ...node.inputs.slice(2)]
    return [weights, restored([bias.length], 0, Int32Array.from(found.bias), found.biasScales)]
  }

  for (const node of file.nodes) {
    const values = inBytes.get(node)
    if (values === undefined) {
      nodes.push(node)
      continue
    }
    const axis = outputAxis(node, file.constants)
    const inputs =
      axis === undefined
        ? node.inputs.map((name) => (values.includes(name) ? rounded(name) : name))
        : [rounded(elementAt(node.inputs, 0)), ...weighed(node, axis)]
    nodes.push({ ...node, inputs, needs: inputs })
  }
  return withGraph(bytes, { nodes, constants })
}
