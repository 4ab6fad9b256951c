import { Effect, Layer } from "effect"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Pretrained, WeightsError } from "../../model/Pretrained.ts"
import { readOnnx } from "../../model/onnx/OnnxFile.ts"
import { scaleIn } from "../../model/onnx/scaleIn.ts"
import type { SafetensorsError } from "../../model/safetensors.ts"
import type { FileError } from "../storage/atomicWrite.ts"
import { hubConfig } from "./hubConfig.ts"
import { hubFile, isFetched } from "./hubFile.ts"
import { graphFile } from "./graphFile.ts"
import { hubPrefix, isGraph } from "./HubName.ts"
import { preprocessorConfig } from "./preprocessorConfig.ts"
import { fileHeader, fileTensors } from "../storage/SafetensorsFile.ts"

/** What a finished run keeps of its network, the best epoch's weights, in its folder. */
const modelFile = "model/model.safetensors"

const kindOf = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      (found) => (found.isDirectory() ? "folder" : "file"),
      () => "nothing"
    )
  )

/** What a finished run of the network `onnx` keeps of its ONNX file. */
const backboneFile = "model/backbone.onnx"

const isFolder = (source: string) =>
  source.startsWith(hubPrefix) ? Effect.succeed(false) : Effect.map(kindOf(source), (kind) => kind === "folder")

/** The ONNX file of a source. */
const graphOf = Effect.fnUntraced(function* (source: string) {
  if (source.startsWith(hubPrefix)) return yield* hubFile(source)
  return (yield* isFolder(source)) ? join(source, backboneFile) : source
})

/** The file of a source: a hub's, fetched first; of a run's folder its model; any other as it is. */
const located = Effect.fnUntraced(function* (source: string) {
  if (source.startsWith(hubPrefix)) return yield* hubFile(source)
  if ((yield* kindOf(source)) !== "folder") return source
  const path = join(source, modelFile)
  if ((yield* kindOf(path)) === "file") return path
  return yield* new WeightsError({
    source,
    reason: "missing",
    detail: `this folder is no finished run: it has no ${modelFile}. Name a run's folder, or a safetensors file.`
  })
})

/**
 * Added to an error of a cached file. Files are checked when they are fetched, so that a bad one was put there by hand,
 * or damaged since.
 */
const inCache = (path: string) =>
  `. The file is ${path}: remove it, and run the command again, which fetches it anew; or put the right one there`

const weightsError = (source: string, path: string) => (error: FileError | SafetensorsError) =>
  new WeightsError({
    source,
    reason: error._tag === "FileError" && error.reason === "missing" ? "missing" : "unreadable",
    detail:
      error._tag === "FileError" ? error.detail : `${error.message}${source.startsWith(hubPrefix) ? inCache(path) : ""}`
  })

/**
 * Trained weights from safetensors files, ONNX files and folders of finished runs; those of a hub (`hf:OWNER/NAME`) are
 * fetched once and kept in the cache.
 */
export const layer = Layer.succeed(Pretrained, {
  atHand: (source) =>
    source.startsWith(hubPrefix)
      ? isFetched(source)
      : located(source).pipe(
          Effect.flatMap(kindOf),
          Effect.map((kind) => kind === "file"),
          Effect.orElseSucceed(() => false)
        ),
  contents: Effect.fn("Pretrained.contents")(function* (source) {
    if (isGraph(source)) {
      const path = yield* graphOf(source)
      const bytes = yield* graphFile(source, path)
      return { metadata: scaleIn(readOnnx(bytes)), shapes: new Map() }
    }
    const path = yield* located(source)
    const { listings, metadata } = yield* Effect.mapError(fileHeader(path), weightsError(source, path))
    return { metadata, shapes: new Map(listings.map(({ name, shape }) => [name, shape])) }
  }),
  beside: (source) => {
    if (isGraph(source)) return preprocessorConfig(source)
    return source.startsWith(hubPrefix) ? hubConfig(source) : Effect.undefined
  },
  graph: Effect.fn("Pretrained.graph")(function* (source) {
    return yield* graphFile(source, yield* graphOf(source))
  }),
  tensors: Effect.fn("Pretrained.tensors")(function* (source, names) {
    // An ONNX file stays whole: it lends no tensors.
    if (isGraph(source)) return new Map()
    const path = yield* located(source)
    return yield* Effect.mapError(fileTensors(path, names), weightsError(source, path))
  })
})
