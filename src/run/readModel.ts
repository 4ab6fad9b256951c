import { Effect } from "effect"
import { decodeModel, ModelError } from "../model/Model.ts"
import { sha256 } from "../pipeline/sha256.ts"
import type { RunFolder } from "./RunFolder.ts"

/** The model of a finished run's folder, with its ONNX file where it has one. */
export const readModel = Effect.fn("readModel")(function* (folder: RunFolder["Service"], name = folder.path) {
  const model = yield* decodeModel(yield* folder.read("model/model.safetensors"), name)
  const onnx = model.network.blocks.find((block) => block._tag === "Onnx")
  if (onnx === undefined) return model
  // Copied, so that it is in memory of its own.
  const backbone = new Uint8Array(yield* folder.read("model/backbone.onnx"))
  if ((yield* sha256(backbone)) !== onnx.sha256)
    return yield* new ModelError({
      file: `${folder.path}/model/backbone.onnx`,
      detail: "it is not the ONNX file that the model was trained behind: it was changed since, or is another run's"
    })
  return { ...model, backbone }
})
