import type { ExportPlan } from "./describeExport.ts"
import type { ExportFile } from "./ExportFile.ts"
import type { ExportMetadata } from "./ExportMetadata.ts"
import { metadataText } from "./ExportMetadata.ts"
import { onnxFile } from "./onnxFile.ts"
import { safetensorsFile } from "./safetensorsFile.ts"
import { savedModel } from "./tensorflow/savedModel.ts"
import { tfjsModel } from "./tensorflow/tfjsModel.ts"

/** The file that is beside every exported model, with its description. */
export const descriptionFile = "weft.json"

/** The labels alone too, for readers that are content with them. */
const onnxMetadata = (metadata: ExportMetadata) => ({
  weft: metadataText(metadata),
  labels: JSON.stringify(metadata.labels),
  preprocessing: JSON.stringify(metadata.preprocessing),
  opset: String(metadata.opset)
})

const files: Readonly<
  Record<ExportPlan["format"], (plan: ExportPlan, metadata: ExportMetadata) => ReadonlyArray<ExportFile>>
> = {
  onnx: (plan, metadata) => [{ name: "model.onnx", content: onnxFile(plan, onnxMetadata(metadata)) }],
  tfjs: tfjsModel,
  "saved-model": (plan, metadata) => [{ name: "saved_model.pb", content: savedModel(plan, metadataText(metadata)) }],
  safetensors: (plan, metadata) => [
    { name: "model.safetensors", content: safetensorsFile(plan, metadataText(metadata)) }
  ]
}

/** The files of an export: the model in its format, and `weft.json`. Throws where a tensor is missing or too large. */
export const exportFiles = (plan: ExportPlan, metadata: ExportMetadata): ReadonlyArray<ExportFile> => [
  ...files[plan.format](plan, metadata),
  { name: descriptionFile, content: `${JSON.stringify(metadata, null, 2)}\n` }
]
