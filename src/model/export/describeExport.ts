import type { Report } from "../../metrics/Report.ts"
import type { Model } from "../Model.ts"
import { architectureOf } from "../networks.ts"
import { opset } from "../onnx/OnnxGraph.ts"
import type { ExportMetadata } from "./ExportMetadata.ts"
import { inputName } from "./ExportSettings.ts"
import type { ExportFormat, GraphSettings, TensorNames } from "./ExportSettings.ts"
import { scaleOfBytes } from "./scaleOfBytes.ts"

/** What is to be written: a model, and how. */
export interface ExportPlan {
  readonly format: ExportFormat
  readonly model: Model
  readonly graph: GraphSettings
  readonly names: TensorNames
}

const note =
  "Resizing is not part of the model: bring each image to height x width with the fit and the kernel named here, " +
  "upright (EXIF) and in sRGB, with transparency on the background."

const meanings = {
  float: "(value / 255 - mean) / std, channel by channel; red, green, blue",
  uint8: "the image's bytes; red, green, blue"
} as const

/** TensorFlow.js has no type for bytes. */
const meaningOf = (format: ExportFormat, { input }: GraphSettings) =>
  format === "tfjs" && input === "uint8" ? `${meanings.uint8}; as an int32 tensor` : meanings[input]

/** How a network's sliding blocks are padded; null where that is no choice. */
const paddingOf = ({ network }: Model): string | null =>
  architectureOf(network.name)?.hasPadding !== true
    ? null
    : network.blocks.some((block) => "padding" in block && block.padding === "same")
      ? "same"
      : "symmetric"

/** What pads as TensorFlow does, by whose network the tensors are loaded into. */
const samePadding: Readonly<Record<TensorNames, string>> = {
  weft: "a network of these names (they are torchvision's) that pads on all sides alike is another model. Pad as examples/safetensors-torch.py does",
  torchvision:
    "torchvision's mobilenet_v2 pads on all sides alike, and is another model with them. Pad as examples/safetensors-torch.py does",
  timm: 'timm\'s mobilenetv2_100 pads on all sides alike, and is another model with them. Make it with pad_type="same"'
}

/** A graph has its padding inside; a file of weights leaves it to who loads them. */
const warningsOf = ({ format, model, names }: ExportPlan): ReadonlyArray<string> =>
  format === "safetensors" && paddingOf(model) === "same"
    ? [`These weights were trained with TensorFlow's padding "same": ${samePadding[names]}.`]
    : []

/** What an export says of itself. */
export const describeExport = (plan: ExportPlan, report: Report, weft: string): ExportMetadata => {
  const { format, graph, model, names } = plan
  const { height, width } = model.network
  const { mean, std } = scaleOfBytes(model.image)
  const warnings = warningsOf(plan)
  return {
    format,
    weft,
    network: { name: model.network.name, head: report.model.head, padding: paddingOf(model) },
    labels: model.labels,
    preprocessing: { ...model.image, kernel: "bicubic", padding: model.image.background, mean, std, note },
    temperature: model.calibration?.temperature ?? 1,
    ...(format === "safetensors"
      ? { names }
      : {
          input: {
            name: inputName,
            type: graph.input,
            ...(format === "onnx" && graph.input === "float"
              ? { layout: "NCHW" as const, shape: [null, 3, height, width] }
              : { layout: "NHWC" as const, shape: [null, height, width, 3] }),
            meaning: meaningOf(format, graph)
          },
          output: { name: graph.output, shape: [null, model.network.classes] }
        }),
    ...(format === "onnx" && { opset }),
    ...(warnings.length > 0 && { warnings }),
    receipt: report.receipt
  }
}
