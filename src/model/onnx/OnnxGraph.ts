import type { OnnxFile } from "./OnnxFile.ts"
import { encode } from "./protobuf.ts"
import type { Message } from "./protobuf.ts"

/**
 * Version of the operators that a model is written in where it needs no newer one: ONNX 1.8, of 2020, which every current
 * runtime reads.
 */
export const oldestWritten = 13

/** Version of the format that goes with a version of the operators. Source: ONNX's docs/Versioning.md. */
const irVersionOf = (opset: number): number => (opset < 15 ? 7 : 8)

/** Element types. Source: onnx.proto, TensorProto.DataType. */
export const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const

/** A dimension: its length, or the name of one that is known when the model runs. */
export type Dimension = number | string

/** One attribute of a node: a whole number, several, or a number with a fraction. */
export type Attribute = number | ReadonlyArray<number> | { readonly float: number }
export type Attributes = Readonly<Record<string, Attribute>>

/** An attribute of a node. */
export const attribute = ([name, value]: readonly [string, Attribute]): Message => {
  if (typeof value === "number")
    return [
      [1, name],
      [3, value],
      [20, 2]
    ]
  if ("float" in value)
    return [
      [1, name],
      [2, value],
      [20, 1]
    ]
  return [[1, name], ...value.map((one) => [8, one] as const), [20, 7]]
}

const bytesOf = ({ buffer, byteLength, byteOffset }: Float32Array | BigInt64Array) =>
  new Uint8Array(buffer, byteOffset, byteLength)

/**
 * A graph of ONNX operators, built node by node in the order in which they run. Values have names.
 *
 * Source of the fields' numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export class OnnxGraph {
  readonly #nodes: Array<Message | Uint8Array> = []
  readonly #constants: Array<Message | Uint8Array> = []
  readonly #inputs: Array<Message> = []
  readonly #outputs: Array<Message> = []
  readonly #named = new Set<string>()
  #versions: Pick<OnnxFile, "functions" | "irVersion" | "opsets">

  /** `opset` is the version of the operators; a part of a file brings its own. */
  constructor(opset = oldestWritten) {
    this.#versions = { irVersion: irVersionOf(opset), opsets: [encode([[2, opset]])], functions: [] }
  }

  /** An input of the model. */
  input(name: string, dimensions: ReadonlyArray<Dimension>, type: "float16" | "float32" | "uint8" = "float32"): string {
    this.#inputs.push(OnnxGraph.#declared(name, dimensions, type))
    return name
  }

  /** A constant of the model: its bytes are those of `data`, which must stay as they are until the model is encoded. */
  constant(name: string, dimensions: ReadonlyArray<number>, data: Float32Array | BigInt64Array): string {
    // A block's constants have unique names; others get a number.
    const own = this.#free(name)
    const type = data instanceof Float32Array ? elementTypes.float32 : elementTypes.int64
    const dims = dimensions.map((length) => [1, length] as const)
    this.#constants.push([...dims, [2, type], [8, own], [9, bytesOf(data)]])
    return own
  }

  /** Adds an operator with one result, and gives the result's name. */
  node(operator: string, name: string, inputs: ReadonlyArray<string>, attributes: Attributes = {}): string {
    const output = this.#free(`${name}/${operator}`)
    this.#add(operator, inputs, [output], attributes)
    return output
  }

  /** Adds an operator with two results, and gives their names. */
  pair(
    operator: string,
    name: string,
    inputs: ReadonlyArray<string>,
    attributes: Attributes = {}
  ): readonly [string, string] {
    const outputs = [this.#free(`${name}/${operator}`), this.#free(`${name}/${operator}/second`)] as const
    this.#add(operator, inputs, outputs, attributes)
    return outputs
  }

  #add(operator: string, inputs: ReadonlyArray<string>, outputs: ReadonlyArray<string>, attributes: Attributes): void {
    this.#nodes.push([
      ...inputs.map((input) => [1, input] as const),
      ...outputs.map((output) => [2, output] as const),
      [3, outputs[0] ?? operator],
      [4, operator],
      ...Object.entries(attributes).map((entry) => [5, attribute(entry)] as const)
    ])
  }

  /**
   * Adds all operators and constants of a part of a file, whose names must be like no others (`partOf`), and gives its
   * only input a value. The graph is then in the versions of that file: it may have one alone.
   */
  embed(file: OnnxFile, value: string): void {
    for (const { name } of file.inputs) this.#same(value, name)
    for (const { bytes } of file.nodes) this.#nodes.push(bytes)
    for (const { bytes } of file.constants) this.#constants.push(bytes)
    this.#versions = { ...file, irVersion: Math.max(this.#versions.irVersion, file.irVersion) }
  }

  /** Makes a value an output of the model, under another name; its shape is open where no dimensions are given. */
  output(value: string, name: string, dimensions: ReadonlyArray<Dimension> | undefined): void {
    this.#same(value, name)
    this.#outputs.push(OnnxGraph.#declared(name, dimensions, "float32"))
  }

  /** The model's bytes; `metadata` becomes its metadata_props. */
  encode(name: string, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
    const graph: Message = [
      ...this.#nodes.map((node) => [1, node] as const),
      [2, name],
      ...this.#constants.map((constant) => [5, constant] as const),
      ...this.#inputs.map((input) => [11, input] as const),
      ...this.#outputs.map((output) => [12, output] as const)
    ]
    return encode([
      [1, this.#versions.irVersion],
      [2, "weft"],
      [7, graph],
      ...this.#versions.opsets.map((one) => [8, one] as const),
      ...this.#versions.functions.map((one) => [25, one] as const),
      ...Object.entries(metadata).map(
        ([key, value]) =>
          [
            14,
            [
              [1, key],
              [2, value]
            ]
          ] as const
      )
    ])
  }

  /** Gives a value another name. */
  #same(value: string, name: string): void {
    this.#nodes.push([
      [1, value],
      [2, name],
      [3, `${name}/Identity`],
      [4, "Identity"]
    ])
  }

  #free(name: string): string {
    let own = name
    for (let i = 2; this.#named.has(own); i++) own = `${name}_${i}`
    this.#named.add(own)
    return own
  }

  static #declared(
    name: string,
    dimensions: ReadonlyArray<Dimension> | undefined,
    type: keyof typeof elementTypes
  ): Message {
    const dims = dimensions?.map((dimension): readonly [number, Message] => [
      1,
      [typeof dimension === "number" ? [1, dimension] : [2, dimension]]
    ])
    return [
      [1, name],
      [2, [[1, [[1, elementTypes[type]], ...(dims === undefined ? [] : [[2, dims] as const])]]]]
    ]
  }
}
