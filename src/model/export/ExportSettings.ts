import { Schema } from "effect"

/** What a model can be written as. */
export const ExportFormat = Schema.Literals(["onnx", "tfjs", "saved-model", "safetensors"])
export type ExportFormat = typeof ExportFormat.Type

/** What an exported graph is given: normalised numbers, or the bytes of an image. */
export const ExportInput = Schema.Literals(["float", "uint8"])
export type ExportInput = typeof ExportInput.Type

/** What it gives: the network's own logits, or probabilities at the calibration's temperature. */
export const ExportOutput = Schema.Literals(["logits", "probabilities"])
export type ExportOutput = typeof ExportOutput.Type

/** Whose names the tensors of a safetensors file have. */
export const TensorNames = Schema.Literals(["weft", "torchvision", "timm"])
export type TensorNames = typeof TensorNames.Type

/** How a graph is written: `onnx`, `tfjs` and `saved-model` have one, safetensors are weights alone. */
export interface GraphSettings {
  readonly input: ExportInput
  readonly output: ExportOutput
}

/** The names of what goes in and comes out, in every format. */
export const inputName = "images"
