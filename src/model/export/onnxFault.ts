import type { Model } from "../Model.ts"
import { untrainable } from "../parts.ts"

/** Why a model behind an ONNX file cannot be written in a format that is not ONNX; undefined for any other. */
export const onnxFault = ({ network }: Pick<Model, "network">): string | undefined =>
  untrainable(network) === 0
    ? undefined
    : "the frozen part of this model is an ONNX file, which stays one: export it with --format onnx, which writes both as one graph"
