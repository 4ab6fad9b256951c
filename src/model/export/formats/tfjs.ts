import { halves } from "../../float16.ts"
import { graphOutputs } from "../exportOutputs.ts"
import { inputName } from "../ExportSettings.ts"
import type { ExportFile, ExportTask, GraphFormat } from "../Format.ts"
import type { Precision } from "../Precision.ts"
import { onnxFault } from "../onnxFault.ts"
import { classifierGraph } from "../tensorflow/classifierGraph.ts"
import type { Attribute, Constant, Node } from "../tensorflow/TensorflowGraph.ts"
import { typeOf } from "../tensorflow/TensorflowGraph.ts"

const topology = "model.json"

/** Bytes of a file with weights, as TensorFlow.js's own converter divides them: what browsers keep in their cache. */
const shardBytes = 4 * 2 ** 20

const shapeJson = (shape: ReadonlyArray<number>) => ({ dim: shape.map((size) => ({ size: String(size) })) })

/** As Protocol Buffers are written in JSON: 64-bit numbers as text, bytes in base 64; weights are elsewhere. */
const attributeJson = (attribute: Attribute) => {
  if ("type" in attribute) return { type: attribute.type }
  if ("text" in attribute) return { s: btoa(attribute.text) }
  if ("flag" in attribute) return { b: attribute.flag }
  if ("number" in attribute) return { i: String(attribute.number) }
  if ("shape" in attribute) return { shape: shapeJson(attribute.shape) }
  if ("numbers" in attribute) return { list: { i: attribute.numbers.map(String) } }
  const { constant } = attribute
  return { tensor: { dtype: typeOf(constant), tensorShape: shapeJson(constant.shape) } }
}

const nodeJson = ({ attributes, input, name, op }: Node) => ({
  name,
  op,
  ...(input.length > 0 && { input }),
  attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeJson(value)]))
})

/** A constant as it is written. */
interface Kept {
  /** As TensorFlow.js's manifest has it. */
  readonly spec: object
  readonly data: Int32Array | Float32Array | Uint16Array
}

/**
 * A graph's constants by their nodes' names. A graph for TensorFlow.js has no texts. In half precision, TensorFlow.js makes
 * float32 of them again when it loads them; what half precision cannot hold stays.
 */
const constantsOf = (nodes: ReadonlyArray<Node>, precision: Precision["name"]) =>
  nodes.flatMap(({ attributes, name }): ReadonlyArray<Kept> => {
    const value = attributes["value"]
    if (value === undefined || !("constant" in value)) return []
    const { data, shape }: Constant = value.constant
    if (data instanceof Int32Array) return [{ spec: { name, shape, dtype: "int32" }, data }]
    if (!(data instanceof Float32Array)) return []
    const half = precision === "fp16" ? halves(data) : undefined
    const spec = { name, shape, dtype: "float32" }
    if (half === undefined) return [{ spec, data }]
    return [{ spec: { ...spec, quantization: { dtype: "float16", original_dtype: "float32" } }, data: half }]
  })

/** The bytes of all weights, one after the other, in files of 4 MiB. */
const shardsOf = (constants: ReturnType<typeof constantsOf>): ReadonlyArray<ExportFile> => {
  const bytes = new Uint8Array(constants.reduce((sum, { data }) => sum + data.byteLength, 0))
  let at = 0
  for (const { data } of constants) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  const count = Math.max(1, Math.ceil(bytes.length / shardBytes))
  return Array.from({ length: count }, (_, i) => ({
    name: `group1-shard${i + 1}of${count}.bin`,
    content: bytes.subarray(i * shardBytes, (i + 1) * shardBytes)
  }))
}

/**
 * A whole classifier as a graph model of TensorFlow.js: `model.json`, and the weights in files of 4 MiB beside it.
 *
 * In: `images` (N, height, width, 3), float32 or int32, which is what `tf.browser.fromPixels` gives. `metadata` becomes
 * its `userDefinedMetadata`. Source: https://www.tensorflow.org/js/guide/save_load and tfjs-core's `ModelJSON`.
 */
const written = (task: ExportTask, metadata: object): ReadonlyArray<ExportFile> => {
  const { graph: settings, model } = task
  const { height, width } = model.network
  const type = settings.input === "float" ? "DT_FLOAT" : "DT_INT32"
  const { nodes } = classifierGraph(task, type)
  const constants = constantsOf(nodes, task.precision?.name ?? "fp32")
  const shards = shardsOf(constants)
  const signature = {
    inputs: { [inputName]: { name: `${inputName}:0`, dtype: type, tensorShape: shapeJson([-1, height, width, 3]) } },
    outputs: Object.fromEntries(
      graphOutputs(model, settings.output).map(({ column, name }) => [
        name,
        { name: `${name}:0`, dtype: "DT_FLOAT", tensorShape: shapeJson([-1, column.classes.length]) }
      ])
    )
  }
  const description = {
    format: "graph-model",
    generatedBy: "weft",
    convertedBy: null,
    signature,
    userDefinedMetadata: { weft: metadata },
    modelTopology: { node: nodes.map(nodeJson), versions: {} },
    weightsManifest: [
      {
        paths: shards.map(({ name }) => name),
        weights: constants.map(({ spec }) => spec)
      }
    ]
  }
  return [{ name: topology, content: `${JSON.stringify(description)}\n` }, ...shards]
}

/** A graph model of TensorFlow.js, for browsers. */
export const tfjs: GraphFormat<"tfjs"> = {
  name: "tfjs",
  title: "TensorFlow.js",
  kind: "graph",
  precisions: ["fp32", "fp16"],
  fault: ({ model }) => onnxFault(model),
  layout: () => "NHWC",
  bytesNote: "as an int32 tensor", // TensorFlow.js has no type for bytes
  writes: (name) => name === topology || /^group1-shard\d+of\d+\.bin$/.test(name),
  files: (task, { values }) => written(task, values)
}
