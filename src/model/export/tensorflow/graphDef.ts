import type { Message } from "../../onnx/protobuf.ts"
import type { Attribute, Constant, ElementType, Node } from "./TensorflowGraph.ts"
import { typeOf } from "./TensorflowGraph.ts"

/** Source: tensorflow/core/framework/types.proto. */
export const elementTypes: Readonly<Record<ElementType, number>> = {
  DT_FLOAT: 1,
  DT_INT32: 3,
  DT_UINT8: 4,
  DT_STRING: 7
}

/** The version of graphs of TensorFlow 2.3 (2020), which all later versions read. */
const producer = 440

/** `TensorShapeProto`. */
export const shapeProto = (shape: ReadonlyArray<number>): Message => shape.map((size) => [2, [[1, size]]] as const)

const tensorProto = (constant: Constant): Message => {
  const { data, shape } = constant
  return [
    [1, elementTypes[typeOf(constant)]],
    [2, shapeProto(shape)],
    ...(data instanceof Float32Array || data instanceof Int32Array
      ? [[4, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] as const]
      : data.map((text) => [8, text] as const))
  ]
}

const attrValue = (attribute: Attribute): Message => {
  if ("type" in attribute) return [[6, elementTypes[attribute.type]]]
  if ("text" in attribute) return [[2, attribute.text]]
  if ("flag" in attribute) return [[5, attribute.flag ? 1 : 0]]
  if ("number" in attribute) return [[3, attribute.number]]
  if ("shape" in attribute) return [[7, shapeProto(attribute.shape)]]
  if ("constant" in attribute) return [[8, tensorProto(attribute.constant)]]
  return [[1, attribute.numbers.map((number) => [3, number] as const)]]
}

/** An entry of a map from texts. */
export const entry = (key: string, value: Message): Message => [
  [1, key],
  [2, value]
]

/** A graph as TensorFlow's `GraphDef`. Source of the fields' numbers: tensorflow/core/framework/*.proto. */
export const graphDef = (nodes: ReadonlyArray<Node>): Message => [
  ...nodes.map(
    ({ attributes, input, name, op }) =>
      [
        1,
        [
          [1, name],
          [2, op],
          ...input.map((one) => [3, one] as const),
          ...Object.entries(attributes).map(([key, value]) => [5, entry(key, attrValue(value))] as const)
        ]
      ] as const
  ),
  [4, [[1, producer]]]
]
