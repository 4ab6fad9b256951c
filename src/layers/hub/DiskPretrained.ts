import { Effect, Layer } from "effect"
import { Pretrained, WeightsError } from "../../model/Pretrained.ts"
import type { SafetensorsError } from "../../model/safetensors.ts"
import type { FileError } from "../storage/atomicWrite.ts"
import { hubConfig } from "./hubConfig.ts"
import { hubFile } from "./hubFile.ts"
import { hubPrefix } from "./HubName.ts"
import { fileHeader, fileTensors } from "../storage/SafetensorsFile.ts"

const located = (source: string) => (source.startsWith(hubPrefix) ? hubFile(source) : Effect.succeed(source))

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

/** Trained weights from safetensors files; those of a hub (`hf:OWNER/NAME`) are fetched once and kept in the cache. */
export const layer = Layer.succeed(Pretrained, {
  contents: Effect.fn("Pretrained.contents")(function* (source) {
    const path = yield* located(source)
    const { listings, metadata } = yield* Effect.mapError(fileHeader(path), weightsError(source, path))
    return { metadata, shapes: new Map(listings.map(({ name, shape }) => [name, shape])) }
  }),
  beside: (source) => (source.startsWith(hubPrefix) ? hubConfig(source) : Effect.undefined),
  tensors: Effect.fn("Pretrained.tensors")(function* (source, names) {
    const path = yield* located(source)
    return yield* Effect.mapError(fileTensors(path, names), weightsError(source, path))
  })
})
