import { Struct } from "effect"
import type { Report } from "../../metrics/Report.ts"
import { readOnnx } from "../onnx/OnnxFile.ts"
import { kernelNames, usualKernel } from "../../pipeline/resizeKernel.ts"
import { fixedBatch } from "../shapes.ts"
import type { ExportMetadata } from "./ExportMetadata.ts"
import { inputName } from "./ExportSettings.ts"
import type { ExportInput } from "./ExportSettings.ts"
import { graphOutputs } from "./exportOutputs.ts"
import type { ExportTask, Format, GraphFormat, WeightsFormat } from "./Format.ts"
import { formatOf } from "./formats.ts"
import type { ExportPlan } from "./formats.ts"
import { paddingOf } from "./paddingOf.ts"
import { scaleOfBytes } from "./scaleOfBytes.ts"

const note =
  "Resizing is not part of the model: bring each image to height x width with the fit and the kernel named here, " +
  "upright (EXIF) and in sRGB, with transparency on the background."

const meanings: Readonly<Record<ExportInput, string>> = {
  float: "(value / 255 - mean) / std, channel by channel; red, green, blue",
  uint8: "the image's bytes; red, green, blue"
}

const graphFacts = ({ bytesNote, layout, opset }: GraphFormat, { graph, model }: ExportTask) => {
  const { classes, height, width } = model.network
  const order = layout(graph.input)
  const batch = fixedBatch(model.network)
  const meaning = meanings[graph.input]
  return {
    input: {
      name: inputName,
      type: graph.input,
      layout: order,
      shape: order === "NCHW" ? [batch, 3, height, width] : [batch, height, width, 3],
      meaning: graph.input === "uint8" && bytesNote !== undefined ? `${meaning}; ${bytesNote}` : meaning
    },
    ...(model.columns === undefined && { output: { name: graph.output, shape: [batch, classes] } }),
    ...(opset !== undefined && {
      opset: model.backbone === undefined ? opset(model.network) : readOnnx(model.backbone).opset
    })
  }
}

/** The label columns, each with its output where there is a graph. */
const columnFacts = ({ graph, model }: ExportTask, { kind }: Format) =>
  graphOutputs(model, graph.output).map(({ column, name }) => ({
    ...Struct.omit(column, ["from", "index", "to"]),
    temperature: column.temperature ?? 1,
    ...(kind === "graph" && { output: { name, meaning: graph.output, shape: [null, column.classes.length] } })
  }))

const weightsFacts = (format: WeightsFormat, task: ExportTask) => {
  const warnings = format.warnings(task)
  return { names: task.names, ...(warnings.length > 0 && { warnings }) }
}

/** Everything about an exported model that is no weight. */
export const describeExport = (plan: ExportPlan, report: Report, weft: string): ExportMetadata => {
  const { model } = plan
  const { mean, std } = scaleOfBytes(model.image)
  const format = formatOf(plan.format)
  return {
    format: format.name,
    weft,
    network: { name: model.network.name, head: report.model.head, padding: paddingOf(model.network) },
    labels: model.labels,
    preprocessing: {
      ...model.image,
      kernel: kernelNames[model.image.kernel ?? usualKernel],
      padding: model.image.background,
      mean,
      std,
      note
    },
    ...(model.columns !== undefined && { columns: columnFacts(plan, format) }),
    temperature: model.calibration?.temperature ?? 1,
    ...(format.kind === "graph" ? graphFacts(format, plan) : weightsFacts(format, plan)),
    receipt: report.receipt
  }
}
