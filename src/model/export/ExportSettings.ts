import { Schema } from "effect"

/** What an exported graph is given: normalised numbers, or the bytes of an image. */
export const ExportInput = Schema.Literals(["float", "uint8"])
export type ExportInput = typeof ExportInput.Type

/** What an exported graph gives: the network's own logits, or probabilities at the calibration's temperature. */
export const ExportOutput = Schema.Literals(["logits", "probabilities"])
export type ExportOutput = typeof ExportOutput.Type

/** Whose names the tensors of a safetensors file have. */
export const TensorNames = Schema.Literals(["weft", "torchvision", "timm"])
export type TensorNames = typeof TensorNames.Type

/** What a graph takes and gives. */
export interface GraphSettings {
  readonly input: ExportInput
  readonly output: ExportOutput
}

/** The name of a graph's input, in every format. */
export const inputName = "images"
