import { inputShape } from "../../shapes.ts"
import { inputName } from "../ExportSettings.ts"
import type { ExportTask } from "../Format.ts"
import { scaleOfBytes } from "../scaleOfBytes.ts"
import { renderBlocks } from "./renderBlocks.ts"
import type { ElementType } from "./TensorflowGraph.ts"
import { TensorflowGraph } from "./TensorflowGraph.ts"

/** The images as normalised numbers. */
const normalised = ({ model }: ExportTask, graph: TensorflowGraph, type: ElementType): string => {
  const { height, width } = model.network
  const images = graph.placeholder(inputName, type, [-1, height, width, 3])
  if (type === "DT_FLOAT") return images
  const { factor, shift } = scaleOfBytes(model.image)
  const scaled = graph.node("Mul", inputName, [graph.cast(images, type), graph.constant("image.factor", [3], factor)])
  return graph.node("AddV2", inputName, [scaled, graph.constant("image.shift", [3], shift)])
}

/**
 * A whole classifier as TensorFlow's operations, for a batch of any size.
 *
 * In: `images` (N, height, width, 3), of the type that is named. Out: `logits` or `probabilities` (N, classes).
 */
export const classifierGraph = (task: ExportTask, inputType: ElementType): TensorflowGraph => {
  const { graph: settings, model } = task
  const graph = new TensorflowGraph()
  const input = { name: normalised(task, graph, inputType), shape: inputShape(model.network) }
  const logits = renderBlocks(model.network.blocks, input, { graph, weights: model.weights }).name
  const factor = 1 / (model.calibration?.temperature ?? 1)
  const scaled =
    settings.output === "logits" || factor === 1
      ? logits
      : graph.node("Mul", settings.output, [logits, graph.constant("temperature", [], Float32Array.of(factor))])
  graph.output(
    settings.output === "logits" ? scaled : graph.node("Softmax", settings.output, [scaled]),
    settings.output
  )
  return graph
}
