/**
 * Files of a hub, fetched once. @huggingface/hub 2.17.5 was looked at: it does not go on with a broken download, does not
 * check the SHA-256, lets two processes fetch the same at once, and asks an interface that mirrors may lack.
 */
import { Effect } from "effect"
import { mkdir, readFile, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { WeightsError } from "../../model/Pretrained.ts"
import { readOnnx } from "../../model/onnx/OnnxFile.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { report } from "../../pipeline/Progress.ts"
import { fileError } from "../storage/atomicWrite.ts"
import type { Published } from "./download/attempt.ts"
import type { Unwanted } from "./download/download.ts"
import { download } from "./download/download.ts"
import type { Answer } from "./download/request.ts"
import { withLock } from "../storage/lock.ts"
import { fileHeader } from "../storage/SafetensorsFile.ts"
import type { Asked } from "./hubFailure.ts"
import { hubFailure, offlineError } from "./hubFailure.ts"
import type { HubName } from "./HubName.ts"
import { hubName, isGraph, isWeights } from "./HubName.ts"
import type { HubSettings } from "./HubSettings.ts"
import { hubSettings } from "./HubSettings.ts"

const isFile = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found.isFile(),
      () => false
    )
  )

/**
 * A file's SHA-256 and length, from the headers of the hub's own answer, before it redirects to the storage.
 *
 * Source: https://huggingface.co/docs/huggingface_hub/package_reference/file_download (get_hf_file_metadata).
 */
const published = ({ own }: Answer): Published => {
  const headers = own.find((headers) => headers.has("x-linked-etag")) ?? own[0]
  const tag = headers?.get("x-linked-etag") ?? headers?.get("etag") ?? ""
  const hex = /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(tag)?.[1]
  const size = headers?.get("x-linked-size") ?? null
  return {
    hash: hex === undefined ? undefined : { algorithm: "sha256", hex: hex.toLowerCase() },
    size: size === null ? undefined : Number(size)
  }
}

/** Why a file is not a whole safetensors file; undefined where it is one. */
const examineWeights = (path: string): Effect.Effect<Unwanted | undefined> =>
  fileHeader(path).pipe(
    Effect.as(undefined),
    Effect.catch((error) =>
      Effect.succeed({
        detail: error.message,
        isOtherKind: error._tag === "SafetensorsError" && error.reason === "otherKind"
      })
    )
  )

/** Why a file is not an ONNX file (a web page, a Git LFS pointer); undefined where it may be. */
const examineGraph = (path: string): Effect.Effect<Unwanted | undefined> =>
  Effect.promise(() => readFile(path)).pipe(
    Effect.flatMap((bytes) => Effect.try({ try: () => readOnnx(bytes), catch: messageOf })),
    Effect.as(undefined),
    Effect.catch((detail) => Effect.succeed({ detail, isOtherKind: true }))
  )

/** Most characters of a text that a message shows. */
const mostShown = 60

/** Why a file is not JSON (a web page, a Git LFS pointer); undefined where it may be. */
const examineJson = (path: string): Effect.Effect<Unwanted | undefined> =>
  Effect.promise(() => readFile(path, "utf8")).pipe(
    Effect.map((text) =>
      /^\s*<|^version https:/.test(text)
        ? {
            detail: `this is not JSON: it begins with ${JSON.stringify(text.slice(0, mostShown))}`,
            isOtherKind: true
          }
        : undefined
    )
  )

const examinedBy = (file: string) => {
  if (isGraph(file)) return examineGraph
  if (isWeights(file)) return examineWeights
  return file.endsWith(".json") ? examineJson : () => Effect.undefined
}

const fetchInto = Effect.fnUntraced(function* (asked: Asked) {
  const { hub, path, settings, url } = asked
  // Another process may have fetched it while we waited.
  if (yield* isFile(path)) return
  const hash = yield* download({
    url,
    path,
    published,
    examine: examinedBy(hub.file),
    token: settings.token,
    name: `${hub.owner}/${hub.name}`
  })
  const line = `the hub publishes no SHA-256 of ${url}: its length alone was checked`
  // A hub publishes hashes of its large files only.
  if (hash === undefined && isWeights(hub.file)) yield* report({ _tag: "Note", line })
})

/** The file on a hub that a source names. */
export const namedBy = (source: string) =>
  Effect.fromNullishOr(hubName(source)).pipe(
    Effect.mapError(
      () =>
        new WeightsError({
          source,
          reason: "invalidName",
          detail:
            "a hub's file is named as hf:OWNER/NAME, hf:OWNER/NAME@REVISION, or either with /FILE.safetensors or /FILE.onnx after it"
        })
    )
  )

/** Where a hub's file lies once it was fetched. */
const placeOf = ({ cache }: Pick<HubSettings, "cache">, { file, name, owner, revision }: HubName): string =>
  join(cache, "hub", owner, name, revision, ...file.split("/"))

/** Whether the weights that a source names on a hub were fetched before. */
export const isFetched = Effect.fn("isFetched")(
  function* (source: string) {
    const hub = hubName(source)
    return hub !== undefined && (yield* isFile(placeOf(yield* hubSettings(source), hub)))
  },
  Effect.orElseSucceed(() => false)
)

/**
 * The path of a hub's file in the cache, fetched first where it is not there yet; errors name `source`.
 *
 * Processes that need the same file at once fetch it once. A branch is fetched once too, and newer versions of it are not
 * looked for: name a commit to be sure of the version, or remove the file. Fails with a WeightsError.
 */
export const placed = Effect.fnUntraced(function* (source: string, hub: HubName) {
  const settings = yield* hubSettings(source)
  const { file, name, owner, revision } = hub
  const path = placeOf(settings, hub)
  if (yield* isFile(path)) return path
  const url = `${settings.endpoint}/${owner}/${name}/resolve/${revision}/${file}`
  const asked: Asked = { source, hub, settings, url, path }
  if (settings.isOffline) return yield* offlineError(asked)
  yield* Effect.tryPromise({
    try: () => mkdir(dirname(path), { recursive: true }),
    catch: (cause) => fileError(dirname(path), cause)
  }).pipe(
    Effect.andThen(withLock(`${path}.lock`, fetchInto(asked))),
    Effect.mapError((error) => hubFailure(asked, error))
  )
  return path
})

/** The path of the weights that a source names on a hub, as `placed`. */
export const hubFile = Effect.fn("hubFile")(function* (source: string) {
  return yield* placed(source, yield* namedBy(source))
})
