/**
 * ONNX files of others: what is in them, and the part of one that makes features of images.
 *
 * Source of the fields' numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import type { Message } from "./protobuf.ts"
import { encode } from "./protobuf.ts"
import type { ReadField } from "./readProtobuf.ts"
import { bytesIn, fieldsOf, numbersIn, textIn, textsIn } from "./readProtobuf.ts"

/** Types of elements, by their numbers in TensorProto.DataType. */
const typeNames: Readonly<Record<number, string>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  16: "bfloat16"
}

/** A declared input or output of a graph. */
export interface OnnxValue {
  readonly name: string
  /** Of its elements: `float32`. */
  readonly type: string
  /** A length, or the name of one that is known when the graph runs; undefined where nothing is declared. */
  readonly shape: ReadonlyArray<number | string> | undefined
}

/** An operator of a graph. */
interface OnnxNode {
  /** Its NodeProto. */
  readonly bytes: Uint8Array
  /** The values that it needs, those that its inner graphs take from outside among them. */
  readonly needs: ReadonlyArray<string>
  readonly gives: ReadonlyArray<string>
}

/** A constant of a graph. */
interface OnnxConstant {
  /** Its TensorProto. */
  readonly bytes: Uint8Array
  readonly name: string
}

/** An ONNX file, read as far as is needed. */
export interface OnnxFile {
  /** What was read. */
  readonly bytes: Uint8Array
  readonly irVersion: number
  /** OperatorSetIdProto. */
  readonly opsets: ReadonlyArray<Uint8Array>
  /** Version of ONNX's own operators. */
  readonly opset: number
  /** FunctionProto: operators of the file's own. */
  readonly functions: ReadonlyArray<Uint8Array>
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: ReadonlyArray<OnnxNode>
  readonly constants: ReadonlyArray<OnnxConstant>
  /** Without those that a constant gives a value. */
  readonly inputs: ReadonlyArray<OnnxValue>
  readonly outputs: ReadonlyArray<OnnxValue>
}

const valueOf = (bytes: Uint8Array): OnnxValue => {
  const fields = fieldsOf(bytes)
  const tensor = fieldsOf(bytesIn(fieldsOf(bytesIn(fields, 2)[0] ?? new Uint8Array()), 1)[0] ?? new Uint8Array())
  const shape = bytesIn(tensor, 2)[0]
  const type = numbersIn(tensor, 1)[0] ?? 0
  return {
    name: textIn(fields, 1),
    type: typeNames[type] ?? `type ${type}`,
    shape:
      shape &&
      bytesIn(fieldsOf(shape), 1).map((dimension) => {
        const parts = fieldsOf(dimension)
        // A length that nothing is known of has neither a value nor a name.
        return numbersIn(parts, 1)[0] ?? (textIn(parts, 2) || "?")
      })
  }
}

/** The graphs inside a node's attributes, such as the branches of an `If`. */
const innerGraphs = (attributes: ReadonlyArray<Uint8Array>) =>
  attributes.flatMap((attribute) => {
    const fields = fieldsOf(attribute)
    return [...bytesIn(fields, 6), ...bytesIn(fields, 11)]
  })

/** The values that a graph's nodes use, those of its own among them. */
const usedBy = (graph: Uint8Array): ReadonlyArray<string> => {
  const fields = fieldsOf(graph)
  // What leaves a branch may come straight from outside.
  const left = bytesIn(fields, 12).map((output) => textIn(fieldsOf(output), 1))
  return [...left, ...bytesIn(fields, 1).flatMap((node) => nodeOf(node).needs)]
}

const nodeOf = (bytes: Uint8Array): OnnxNode => {
  const fields = fieldsOf(bytes)
  return {
    bytes,
    needs: [...textsIn(fields, 1), ...innerGraphs(bytesIn(fields, 5)).flatMap(usedBy)],
    gives: textsIn(fields, 2)
  }
}

/** The oldest version of the operators whose meaning is still that of those that are added here. */
const oldestOpset = 7

/** What an ONNX file has in it. Throws an Error where it is none, or has what cannot be read. */
export const readOnnx = (bytes: Uint8Array): OnnxFile => {
  const fields = fieldsOf(bytes)
  const graphBytes = bytesIn(fields, 7)[0]
  if (graphBytes === undefined) throw new Error("it is not an ONNX file: it has no graph")
  const graph = fieldsOf(graphBytes)
  if (bytesIn(graph, 15).length > 0) throw new Error("it has sparse constants, which are not supported")
  const opsets = bytesIn(fields, 8)
  const own = opsets.map((opset) => fieldsOf(opset)).find((opset) => ["", "ai.onnx"].includes(textIn(opset, 1)))
  const opset = (own && numbersIn(own, 2)[0]) ?? 0
  if (opset < oldestOpset)
    throw new Error(
      `its operators are of version ${opset}, and ${oldestOpset} is the oldest that is supported: convert it`
    )
  const constants = bytesIn(graph, 5).map((constant) => ({ bytes: constant, name: textIn(fieldsOf(constant), 8) }))
  const given = new Set(constants.map(({ name }) => name))
  return {
    bytes,
    irVersion: numbersIn(fields, 1)[0] ?? 0,
    opsets,
    opset,
    functions: bytesIn(fields, 25),
    metadata: Object.fromEntries(
      bytesIn(fields, 14).map((entry) => {
        const pair = fieldsOf(entry)
        return [textIn(pair, 1), textIn(pair, 2)]
      })
    ),
    nodes: bytesIn(graph, 1).map(nodeOf),
    constants,
    inputs: bytesIn(graph, 11)
      .map(valueOf)
      .filter(({ name }) => !given.has(name)),
    outputs: bytesIn(graph, 12).map(valueOf)
  }
}

/** Part of a file beside an ONNX file, where a constant's bytes are. */
export interface OnnxData {
  /** The file's name, as the ONNX file has it: it is not to be trusted. */
  readonly file: string
  readonly offset: number
  /** To the file's end where undefined. */
  readonly length: number | undefined
}

const dataOf = (constant: Uint8Array): OnnxData | undefined => {
  const fields = fieldsOf(constant)
  if (numbersIn(fields, 14)[0] !== 1) return undefined
  const entries = new Map(
    bytesIn(fields, 13).map((entry) => {
      const pair = fieldsOf(entry)
      return [textIn(pair, 1), textIn(pair, 2)]
    })
  )
  const length = entries.get("length")
  return {
    file: entries.get("location") ?? "",
    offset: Number(entries.get("offset") ?? 0),
    length: length === undefined ? undefined : Number(length)
  }
}

/** The data beside an ONNX file that its constants need. */
export const outsideData = (bytes: Uint8Array): ReadonlyArray<OnnxData> =>
  bytesIn(fieldsOf(bytesIn(fieldsOf(bytes), 7)[0] ?? new Uint8Array()), 5).flatMap((constant) => dataOf(constant) ?? [])

const same = (fields: ReadonlyArray<ReadField>): Message => fields.map(({ number, value }) => [number, value])

/** The file with data from beside it inside; the same bytes where it needs none. Throws above 2 GiB. */
export const withDataInside = (bytes: Uint8Array, read: (data: OnnxData) => Uint8Array): Uint8Array => {
  if (outsideData(bytes).length === 0) return bytes
  return encode(
    fieldsOf(bytes).map(({ number, value }) => {
      if (number !== 7 || typeof value === "number") return [number, value]
      return [
        number,
        fieldsOf(value).map(({ number, value }) => {
          const data = number === 5 && typeof value !== "number" ? dataOf(value) : undefined
          if (data === undefined || typeof value === "number") return [number, value]
          const kept = fieldsOf(value).filter(({ number }) => number !== 13 && number !== 14)
          return [number, [...same(kept), [9, read(data)]]]
        })
      ]
    })
  )
}

type Rename = (name: string) => string

/** A message with the texts of some of its fields renamed, and the messages of others changed. */
const changed = (
  bytes: Uint8Array,
  texts: ReadonlyArray<number>,
  messages: Readonly<Record<number, (bytes: Uint8Array) => Message | Uint8Array>>,
  rename: Rename
): Message =>
  fieldsOf(bytes).map(({ number, value }) => {
    if (typeof value === "number") return [number, value]
    if (texts.includes(number)) return [number, rename(new TextDecoder().decode(value))]
    return [number, messages[number]?.(value) ?? value]
  })

const renamedNode = (bytes: Uint8Array, rename: Rename): Message => {
  const graph = (inner: Uint8Array) => renamedGraph(inner, rename)
  return changed(bytes, [1, 2, 3], { 5: (attribute) => renamedAttribute(attribute, graph) }, rename)
}

/** Floats (fields 2 and 7) have another encoding than what is written here, so that an attribute stays as it is. */
const renamedAttribute = (bytes: Uint8Array, graph: (inner: Uint8Array) => Message): Message | Uint8Array =>
  innerGraphs([bytes]).length === 0 ? bytes : changed(bytes, [], { 6: graph, 11: graph }, (name) => name)

const named = (field: number, rename: Rename) => (bytes: Uint8Array) => changed(bytes, [field], {}, rename)

const renamedGraph = (bytes: Uint8Array, rename: Rename): Message =>
  changed(
    bytes,
    [],
    {
      1: (node) => renamedNode(node, rename),
      5: named(8, rename),
      11: named(1, rename),
      12: named(1, rename),
      13: named(1, rename)
    },
    rename
  )

/**
 * The part of a file that one value is computed from, with `prefix` before all names, so that they are like no others.
 * The empty name stands for an input that is left out, and stays.
 *
 * Throws an Error where there is no such value.
 */
export const partOf = (file: OnnxFile, output: string, prefix: string): OnnxFile => {
  const rename: Rename = (name) => (name === "" ? "" : prefix + name)
  const wanted = new Set([output])
  const kept: Array<OnnxNode> = []
  for (const node of file.nodes.toReversed()) {
    if (!node.gives.some((name) => wanted.has(name))) continue
    kept.push(node)
    for (const name of node.needs) wanted.add(name)
  }
  return {
    ...file,
    nodes: kept.toReversed().map(({ bytes, gives, needs }) => ({
      bytes: encode(renamedNode(bytes, rename)),
      gives: gives.map(rename),
      needs: needs.map(rename)
    })),
    constants: file.constants.flatMap(({ bytes, name }) =>
      wanted.has(name) ? [{ bytes: encode(named(8, rename)(bytes)), name: rename(name) }] : []
    ),
    inputs: file.inputs.filter(({ name }) => wanted.has(name)).map((input) => ({ ...input, name: rename(input.name) })),
    outputs: []
  }
}

/** Whether a file has a value of this name. */
export const hasValue = ({ inputs, nodes }: OnnxFile, name: string): boolean =>
  nodes.some(({ gives }) => gives.includes(name)) || inputs.some((input) => input.name === name)
