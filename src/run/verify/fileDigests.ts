import { Effect } from "effect"
import { sha256 } from "../../pipeline/sha256.ts"
import { RunFolder } from "../RunFolder.ts"

/** The files of a run that depend only on its configuration, data and engine. */
const files = [
  "ledger.jsonl",
  "model/model.safetensors",
  "predictions/validation.safetensors",
  "predictions/test.safetensors"
] as const

/** Of the network `onnx`, and of runs that treat label noise. */
const ofSome = ["model/backbone.onnx", "label-noise.json"] as const

/** SHA-256 of such files in the run's folder, in hex, by name. */
export const fileDigests = Effect.gen(function* () {
  const folder = yield* RunFolder
  const more = yield* Effect.filter(ofSome, (file) => folder.has(file))
  const digests = yield* Effect.forEach([...files, ...more], (file) =>
    Effect.map(
      Effect.flatMap(folder.read(file), (bytes) => sha256(new Uint8Array(bytes))),
      (digest) => [file, digest] as const
    )
  )
  return Object.fromEntries(digests)
})
