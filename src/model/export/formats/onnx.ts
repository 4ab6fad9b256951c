import { OnnxGraph, opset } from "../../onnx/OnnxGraph.ts"
import { renderBlocks } from "../../onnx/renderBlocks.ts"
import { featuresKey } from "../../onnx/backbone.ts"
import { headAt } from "../../parts.ts"
import { fixedBatch, inputShape } from "../../shapes.ts"
import { inputName } from "../ExportSettings.ts"
import type { ExportTask, GraphFormat } from "../Format.ts"
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

/**
 * A whole classifier as an ONNX model (its bytes), for a batch of any size.
 *
 * In: `images`, float32 (N, 3, height, width), normalised; or uint8 (N, height, width, 3). Out: `logits` or
 * `probabilities` (N, classes). `metadata` becomes the model's metadata_props; `features` among them names the value that
 * goes into the head, so that the file can be the frozen part of another network.
 */
const encoded = (task: ExportTask, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> => {
  const { graph: settings, model } = task
  const graph = new OnnxGraph()
  const input = { name: normalised(task, graph), shape: inputShape(model.network) }
  const { backbone, network, weights } = model
  const into = { graph, weights, backbone }
  const at = headAt(network) ?? 0
  const features = renderBlocks(network.blocks.slice(0, at), input, into)
  const logits = renderBlocks(network.blocks.slice(at), features, into).name
  const factor = Float32Array.of(1 / (model.calibration?.temperature ?? 1))
  const result =
    settings.output === "logits"
      ? logits
      : graph.node(
          "Softmax",
          settings.output,
          [
            factor[0] === 1
              ? logits
              : graph.node("Mul", settings.output, [logits, graph.constant("temperature", [1], factor)])
          ],
          { axis: 1 }
        )
  graph.output(result, settings.output, [fixedBatch(network) ?? "N", network.classes])
  return graph.encode("classifier", { ...metadata, ...(at > 0 && { [featuresKey]: features.name }) })
}

const file = "model.onnx"

/** ONNX, for onnxruntime and many others. Labels and preprocessing stand in the metadata by themselves too. */
export const onnx: GraphFormat<"onnx"> = {
  name: "onnx",
  title: "ONNX",
  kind: "graph",
  opset,
  layout: (input) => (input === "float" ? "NCHW" : "NHWC"),
  writes: (name) => name === file,
  files: (task, { text, values }) => {
    const metadata = {
      weft: text,
      labels: JSON.stringify(values.labels),
      preprocessing: JSON.stringify(values.preprocessing),
      opset: String(opset)
    }
    return [{ name: file, content: encoded(task, metadata) }]
  }
}
