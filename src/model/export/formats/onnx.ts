import { OnnxGraph } from "../../onnx/OnnxGraph.ts"
import { opsetOf, renderBlocks } from "../../onnx/renderBlocks.ts"
import { halfPrecision } from "../../onnx/halfPrecision.ts"
import { observing, quantised } from "../../onnx/quantise.ts"
import { featuresKey } from "../../onnx/backbone.ts"
import { headAt } from "../../parts.ts"
import { graphOutputs } from "../exportOutputs.ts"
import type { GraphOutput } from "../exportOutputs.ts"
import { fixedBatch, inputShape } from "../../shapes.ts"
import { inputName } from "../ExportSettings.ts"
import type { ExportTask, GraphFormat } from "../Format.ts"
import type { Precision } from "../Precision.ts"
import { scaleOfBytes } from "../scaleOfBytes.ts"

/** The images as normalised numbers, channels first. */
const normalised = ({ graph: settings, model }: ExportTask, graph: OnnxGraph): string => {
  const { height, width } = model.network
  const batch = fixedBatch(model.network) ?? "N"
  if (settings.input === "float") return graph.input(inputName, [batch, 3, height, width])
  const bytes = graph.input(inputName, [batch, height, width, 3], "uint8")
  const transposed = graph.node("Transpose", inputName, [bytes], { perm: [0, 3, 1, 2] })
  const numbers = graph.node("Cast", inputName, [transposed], { to: 1 }) // float32
  const { factor, shift } = scaleOfBytes(model.image)
  const scaled = graph.node("Mul", inputName, [numbers, graph.constant("image.factor", [3, 1, 1], factor)])
  return graph.node("Add", inputName, [scaled, graph.constant("image.shift", [3, 1, 1], shift)])
}

/** The logits of one column. */
const sliced = (graph: OnnxGraph, logits: string, { from, name, to }: GraphOutput["column"]): string => {
  const index = (what: string, value: number) => graph.constant(`${name}.${what}`, [1], BigInt64Array.of(BigInt(value)))
  return graph.node("Slice", name, [logits, index("from", from), index("to", to), index("axis", 1)])
}

/** A column's probabilities, at its temperature. */
const probabilities = (
  graph: OnnxGraph,
  logits: string,
  { temperature = 1, values }: GraphOutput["column"],
  name: string
): string => {
  const factor = Float32Array.of(1 / temperature)
  const scaled =
    factor[0] === 1 ? logits : graph.node("Mul", name, [logits, graph.constant("temperature", [1], factor)])
  return values === "one" ? graph.node("Softmax", name, [scaled], { axis: 1 }) : graph.node("Sigmoid", name, [scaled])
}

/**
 * A whole classifier as an ONNX model (its bytes), for a batch of any size.
 *
 * In: `images`, float32 (N, 3, height, width), normalised; or uint8 (N, height, width, 3). Out: `logits` or
 * `probabilities` (N, classes); of several label columns, one output each, see `graphOutputs`. `metadata` becomes the
 * model's metadata_props; `features` among them names the value that goes into the heads, so that the file can be the
 * frozen part of another network.
 */
const encoded = (task: ExportTask, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> => {
  const { graph: settings, model } = task
  const graph = new OnnxGraph(opsetOf(model.network.blocks))
  const input = { name: normalised(task, graph), shape: inputShape(model.network) }
  const { backbone, network, weights } = model
  const into = { graph, weights, backbone }
  const at = headAt(network) ?? 0
  const features = renderBlocks(network.blocks.slice(0, at), input, into)
  const logits = renderBlocks(network.blocks.slice(at), features, into).name
  const outputs = graphOutputs(model, settings.output)
  for (const { column, name } of outputs) {
    const own = outputs.length === 1 ? logits : sliced(graph, logits, column)
    const result = settings.output === "logits" ? own : probabilities(graph, own, column, name)
    graph.output(result, name, [fixedBatch(network) ?? "N", column.classes.length])
  }
  return graph.encode("classifier", { ...metadata, ...(at > 0 && { [featuresKey]: features.name }) })
}

/** A float32 model in another precision. */
const inPrecision = (bytes: Uint8Array<ArrayBuffer>, precision: Precision = { name: "fp32" }) => {
  if (precision.name === "fp32") return bytes
  return precision.name === "fp16" ? halfPrecision(bytes) : quantised(bytes, precision.ranges)
}

const file = "model.onnx"

/** ONNX, for onnxruntime and many others. Labels and preprocessing stand in the metadata by themselves too. */
export const onnx: GraphFormat<"onnx"> = {
  name: "onnx",
  title: "ONNX",
  kind: "graph",
  precisions: ["fp32", "fp16", "int8"],
  opset: ({ blocks }) => opsetOf(blocks),
  layout: (input) => (input === "float" ? "NCHW" : "NHWC"),
  writes: (name) => name === file,
  files: (task, { text, values }) => {
    const metadata = {
      weft: text,
      labels: JSON.stringify(values.labels),
      ...(values.columns && { columns: JSON.stringify(values.columns) }),
      preprocessing: JSON.stringify(values.preprocessing),
      opset: String(opsetOf(task.model.network.blocks))
    }
    return [{ name: file, content: inPrecision(encoded(task, metadata), task.precision) }]
  },
  observing: (files) => {
    const model = files.find(({ name }) => name === file)?.content
    if (!(model instanceof Uint8Array)) throw new Error(`there is no ${file}`)
    const { bytes, outputs, values } = observing(model)
    return { files: [{ name: file, content: bytes }], outputs, values }
  }
}
