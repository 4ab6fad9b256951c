import { inputShape } from "../../shapes.ts"
import { graphOutputs } from "../exportOutputs.ts"
import type { GraphOutput } from "../exportOutputs.ts"
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

/** The logits of one column. */
const sliced = (graph: TensorflowGraph, logits: string, { from, to }: GraphOutput["column"], name: string): string =>
  graph.node(
    "Slice",
    name,
    [logits, graph.indices(`${name}/begin`, [0, from]), graph.indices(`${name}/size`, [-1, to - from])],
    { Index: { type: "DT_INT32" } }
  )

/** A column's probabilities, at its temperature. */
const probabilities = (
  graph: TensorflowGraph,
  logits: string,
  { temperature = 1, values }: GraphOutput["column"],
  name: string
): string => {
  const factor = 1 / temperature
  const scaled =
    factor === 1
      ? logits
      : graph.node("Mul", name, [logits, graph.constant("temperature", [], Float32Array.of(factor))])
  return graph.node(values === "one" ? "Softmax" : "Sigmoid", name, [scaled])
}

/**
 * A whole classifier as TensorFlow's operations, for a batch of any size.
 *
 * In: `images` (N, height, width, 3), of the type that is named. Out: `logits` or `probabilities` (N, classes);
 * of several label columns, one output each, see `graphOutputs`.
 */
export const classifierGraph = (task: ExportTask, inputType: ElementType): TensorflowGraph => {
  const { graph: settings, model } = task
  const graph = new TensorflowGraph()
  const input = { name: normalised(task, graph, inputType), shape: inputShape(model.network) }
  const logits = renderBlocks(model.network.blocks, input, { graph, weights: model.weights }).name
  const outputs = graphOutputs(model, settings.output)
  for (const { column, name } of outputs) {
    const own = outputs.length === 1 ? logits : sliced(graph, logits, column, name)
    graph.output(settings.output === "logits" ? own : probabilities(graph, own, column, name), name)
  }
  return graph
}
