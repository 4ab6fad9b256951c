/** A finished ONNX file taken apart into nodes and constants, so that a pass can change them, and put together again. */
import { elementAt } from "../../pipeline/elementAt.ts"
import { sizeOf } from "../Tensor.ts"
import { readOnnx } from "./OnnxFile.ts"
import type { OnnxValue } from "./OnnxFile.ts"
import type { Attributes } from "./OnnxGraph.ts"
import { attribute, elementTypes } from "./OnnxGraph.ts"
import { encode } from "./protobuf.ts"
import type { Field, Message } from "./protobuf.ts"
import { bytesIn, fieldsOf, numbersIn, textIn, textsIn } from "./readProtobuf.ts"

/** A node; what a pass does not change is kept as it was. */
export interface RewriteNode {
  /** `Conv`; with its domain before it where it is not one of ONNX's own: `com.microsoft.Gelu`. */
  readonly operator: string
  /** The names of its inputs; empty where one is left out. */
  readonly inputs: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
  /** Values that it needs, those among them that its inner graphs take from outside. */
  readonly needs: ReadonlyArray<string>
  /** All its other fields. */
  readonly rest: Message
}

/** A constant: its numbers are read when they are asked for. */
export interface RewriteConstant {
  readonly shape: ReadonlyArray<number>
  /** A number of TensorProto.DataType. */
  readonly type: number
  /** Its TensorProto. */
  readonly proto: Message | Uint8Array
  /** Its numbers; undefined where it is not of float32, or its bytes are not in the file. */
  readonly numbers: () => Float32Array | undefined
}

/** A file's graph. */
export interface Rewrite {
  readonly nodes: ReadonlyArray<RewriteNode>
  readonly constants: ReadonlyMap<string, RewriteConstant>
  readonly inputs: ReadonlyArray<OnnxValue>
  readonly outputs: ReadonlyArray<OnnxValue>
  /** Version of ONNX's own operators. */
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
}

const numbersOf = (proto: Uint8Array, shape: ReadonlyArray<number>): Float32Array | undefined => {
  const fields = fieldsOf(proto)
  const size = sizeOf(shape)
  // raw_data, or float_data packed: both are little-endian float32.
  const bytes = bytesIn(fields, 9)[0] ?? bytesIn(fields, 4)[0]
  if (numbersIn(fields, 2)[0] !== elementTypes.float32 || bytes?.length !== 4 * size) return undefined
  return new Float32Array(bytes.slice().buffer)
}

const constantOf = (proto: Uint8Array): RewriteConstant => {
  const fields = fieldsOf(proto)
  const shape = numbersIn(fields, 1)
  return { shape, type: numbersIn(fields, 2)[0] ?? 0, proto, numbers: () => numbersOf(proto, shape) }
}

const nodeOf = (bytes: Uint8Array, needs: ReadonlyArray<string>): RewriteNode => {
  const fields = fieldsOf(bytes)
  const domain = textIn(fields, 7)
  return {
    operator: ["", "ai.onnx"].includes(domain) ? textIn(fields, 4) : `${domain}.${textIn(fields, 4)}`,
    inputs: textsIn(fields, 1),
    outputs: textsIn(fields, 2),
    needs,
    rest: fields.flatMap(({ number, value }): ReadonlyArray<Field> => (number <= 2 ? [] : [[number, value]]))
  }
}

/** The graph of an ONNX file. Throws an Error where it is none. */
export const readRewrite = (bytes: Uint8Array): Rewrite => {
  const { constants, inputs, metadata, nodes, opset, outputs } = readOnnx(bytes)
  return {
    nodes: nodes.map(({ bytes, needs }) => nodeOf(bytes, needs)),
    constants: new Map(constants.map(({ bytes, name }) => [name, constantOf(bytes)])),
    inputs,
    outputs,
    opset,
    metadata
  }
}

/** The whole number of a node's attribute; undefined where it is not there. */
export const wholeNumber = ({ rest }: RewriteNode, name: string): number | undefined => {
  for (const [number, value] of rest) {
    if (number !== 5 || !(value instanceof Uint8Array)) continue
    const fields = fieldsOf(value)
    if (textIn(fields, 1) === name) return numbersIn(fields, 3)[0] ?? 0
  }
  return undefined
}

/** The number (float32) of a node's attribute; undefined where it is not there. */
export const realNumber = ({ rest }: RewriteNode, name: string): number | undefined => {
  for (const [number, value] of rest) {
    if (number !== 5 || !(value instanceof Uint8Array)) continue
    const fields = fieldsOf(value)
    const [bytes] = bytesIn(fields, 2)
    if (textIn(fields, 1) === name)
      return bytes === undefined ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true)
  }
  return undefined
}

/** A new node. */
export const newNode = (
  operator: string,
  inputs: ReadonlyArray<string>,
  output: string,
  attributes: Attributes = {}
): RewriteNode => ({
  operator,
  inputs,
  outputs: [output],
  needs: inputs,
  rest: [[4, operator], ...Object.entries(attributes).map((entry) => [5, attribute(entry)] as const)]
})

/** A new constant of any type; `data` has its bytes, which must stay as they are. */
export const newConstant = (
  shape: ReadonlyArray<number>,
  type: keyof typeof elementTypes,
  data: ArrayBufferView<ArrayBuffer>
): RewriteConstant => ({
  shape,
  type: elementTypes[type],
  proto: [
    ...shape.map((length) => [1, length] as const),
    [2, elementTypes[type]],
    [9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]
  ],
  numbers: () => (data instanceof Float32Array ? data : undefined)
})

const nodeMessage = ({ inputs, outputs, rest }: RewriteNode): Message => [
  ...inputs.map((input) => [1, input] as const),
  ...outputs.map((output) => [2, output] as const),
  ...rest
]

/** With its name as it is now. */
const constantMessage = (name: string, { proto }: RewriteConstant): Message => [
  ...(proto instanceof Uint8Array ? fieldsOf(proto).map(({ number, value }): Field => [number, value]) : proto).filter(
    ([number]) => number !== 8
  ),
  [8, name]
]

const declared = (name: string): Message => [
  [1, name],
  [2, [[1, [[1, elementTypes.float32]]]]]
]

/** Changes of a file's graph; what is left out stays. */
export interface Rewritten {
  readonly nodes: ReadonlyArray<RewriteNode>
  /** Those that no node needs are left out of the file. */
  readonly constants: ReadonlyMap<string, RewriteConstant>
  /** Values (float32) that become the graph's outputs instead of those that it has. */
  readonly outputs?: ReadonlyArray<string>
}

/** The file's bytes with another graph; its inputs, metadata and versions stay. Throws above 2 GiB. */
export const withGraph = (bytes: Uint8Array, { constants, nodes, outputs }: Rewritten): Uint8Array<ArrayBuffer> => {
  const needed = new Set(nodes.flatMap(({ inputs, needs }) => [...inputs, ...needs]))
  const graph = (old: Uint8Array): Message => [
    ...nodes.map((node) => [1, nodeMessage(node)] as const),
    ...fieldsOf(old).flatMap(({ number, value }): ReadonlyArray<Field> => {
      // Field 13 (value_info) has shapes and types of inner values, which the rewrite made wrong; runtimes infer them.
      if ([1, 5, 13].includes(number) || (number === 12 && outputs !== undefined)) return []
      return [[number, value]]
    }),
    ...Array.from(constants).flatMap(([name, constant]): Message =>
      needed.has(name) ? [[5, constantMessage(name, constant)]] : []
    ),
    ...(outputs ?? []).map((name) => [12, declared(name)] as const)
  ]
  return encode(
    fieldsOf(bytes).map(({ number, value }): Field => [
      number,
      number === 7 && typeof value !== "number" ? graph(value) : value
    ])
  )
}

/**
 * Operators that start a half-precision or int8 part of a graph: weighted sums, with constant weights as second input.
 */
export const isWeighted = ({ operator }: RewriteNode): boolean => ["Conv", "Gemm", "MatMul"].includes(operator)

/** Operators whose result has the type of their first input. */
const sameType = new Set(
  (
    "Add,AveragePool,BatchNormalization,Clip,Concat,Conv,Div,Erf,Exp,Flatten,Gather,Gemm,GlobalAveragePool," +
    "HardSigmoid,HardSwish,Identity,LayerNormalization,MatMul,MaxPool,Mul,Pad,Pow,ReduceMax,ReduceMean,ReduceMin,ReduceSum," +
    "Relu,Reshape,Sigmoid,Slice,Softmax,Sqrt,Squeeze,Sub,Tanh,Transpose,Unsqueeze"
  ).split(",")
)

/** The values of a graph that are float32 for certain. */
export const float32Values = ({ constants, inputs, nodes }: Rewrite): ReadonlySet<string> => {
  const known = new Set(inputs.flatMap(({ name, type }) => (type === "float32" ? [name] : [])))
  for (const [name, { type }] of constants) if (type === elementTypes.float32) known.add(name)
  for (const node of nodes) {
    const { inputs, operator, outputs } = node
    const isFloat =
      operator === "Cast"
        ? wholeNumber(node, "to") === elementTypes.float32
        : // The weights have the type of what they weigh.
          sameType.has(operator) && (known.has(inputs[0] ?? "") || (isWeighted(node) && known.has(inputs[1] ?? "")))
    if (isFloat) known.add(elementAt(outputs, 0))
  }
  return known
}
