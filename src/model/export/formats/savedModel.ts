import { encode } from "../../onnx/protobuf.ts"
import type { Message } from "../../onnx/protobuf.ts"
import { graphOutputs } from "../exportOutputs.ts"
import { inputName } from "../ExportSettings.ts"
import type { ExportTask, GraphFormat } from "../Format.ts"
import { onnxFault } from "../onnxFault.ts"
import { classifierGraph } from "../tensorflow/classifierGraph.ts"
import { elementTypes, entry, graphDef, shapeProto } from "../tensorflow/graphDef.ts"
import type { ElementType } from "../tensorflow/TensorflowGraph.ts"

/** The graph's version: TensorFlow 2.3's. */
const tensorflowVersion = "2.3.0"

/** A tensor of the graph that a signature names. */
interface Named {
  readonly name: string
  readonly type: ElementType
  readonly shape: ReadonlyArray<number>
}

const tensorInfo = ({ name, shape, type }: Named): Message =>
  entry(name, [
    [1, `${name}:0`],
    [2, elementTypes[type]],
    [3, shapeProto(shape)]
  ])

const signature = (name: string, inputs: ReadonlyArray<Named>, outputs: ReadonlyArray<Named>): Message =>
  entry(name, [
    ...inputs.map((input) => [1, tensorInfo(input)] as const),
    ...outputs.map((output) => [2, tensorInfo(output)] as const),
    [3, "tensorflow/serving/predict"]
  ])

/**
 * A whole classifier as `saved_model.pb`: a graph of constants, which needs no `variables` beside it.
 *
 * The signature `serving_default` has `images` (N, height, width, 3), float32 or uint8, and gives `logits` or
 * `probabilities`, or one output for each of several label columns; the signature `metadata` needs nothing and gives `labels` (the first
 * column's classes) and `weft`, the text of
 * `metadata`. Tag: `serve`. Source: tensorflow/core/protobuf/saved_model.proto and meta_graph.proto.
 */
const encoded = (task: ExportTask, metadata: string): Uint8Array<ArrayBuffer> => {
  const { graph: settings, model } = task
  const { height, width } = model.network
  const type = settings.input === "float" ? "DT_FLOAT" : "DT_UINT8"
  const graph = classifierGraph(task, type)
  graph.output(graph.constant("labels/value", [model.labels.length], model.labels), "labels", "DT_STRING")
  graph.output(graph.constant("weft/value", [], [metadata]), "weft", "DT_STRING")
  const metaGraph: Message = [
    [
      1,
      [
        [4, "serve"],
        [5, tensorflowVersion]
      ]
    ],
    [2, graphDef(graph.nodes)],
    [
      5,
      signature(
        "serving_default",
        [{ name: inputName, type, shape: [-1, height, width, 3] }],
        graphOutputs(model, settings.output).map(({ column, name }) => ({
          name,
          type: "DT_FLOAT",
          shape: [-1, column.classes.length]
        }))
      )
    ],
    [
      5,
      signature(
        "metadata",
        [],
        [
          { name: "labels", type: "DT_STRING", shape: [model.labels.length] },
          { name: "weft", type: "DT_STRING", shape: [] }
        ]
      )
    ]
  ]
  return encode([
    [1, 1],
    [2, metaGraph]
  ])
}

const file = "saved_model.pb"

/** TensorFlow's SavedModel, for TensorFlow Serving and Python. */
export const savedModel: GraphFormat<"saved-model"> = {
  name: "saved-model",
  title: "TensorFlow's SavedModel",
  kind: "graph",
  precisions: ["fp32"],
  fault: ({ model }) => onnxFault(model),
  layout: () => "NHWC",
  writes: (name) => name === file,
  files: (task, { text }) => [{ name: file, content: encoded(task, text) }]
}
