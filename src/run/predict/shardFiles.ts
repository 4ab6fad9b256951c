import { Effect, Option, Result, Schema, Stream } from "effect"
import type { ImagePath } from "../../pipeline/ImageFiles.ts"
import { PathRefused } from "../../pipeline/ImageFiles.ts"
import { report } from "../../pipeline/Progress.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import type { RunFolder } from "../RunFolder.ts"
import { RunFolderError } from "../RunFolder.ts"
import { Prediction } from "./Prediction.ts"
import { ShardEnd } from "./Shards.ts"

type Folder = RunFolder["Service"]

/** A shard's files have its number as their name: seven digits, so that they are listed in their order. */
const nameOf = (shard: number) => String(shard).padStart(7, "0")

export const listFile = (shard: number) => `lists/${nameOf(shard)}.json` as const
const rowsFile = (shard: number) => `shards/${nameOf(shard)}.jsonl` as const
const featuresFile = (shard: number) => `shards/${nameOf(shard)}.f32` as const

/** A file of a list, or a path that names none. */
const Refused = Schema.Struct({
  path: Schema.String,
  reason: PathRefused.fields.reason,
  detail: Schema.String
})
const Entry = Schema.Union([Schema.String, Refused])
const List = Schema.fromJsonString(Schema.Array(Entry))

/** The first line of a shard's file; a line for each file's prediction follows. */
const Head = Schema.Struct({
  /** The prediction's key. */
  prediction: Schema.String,
  shard: Schema.Natural,
  engine: Schema.String,
  computes: Schema.String,
  ...ShardEnd.fields
})
type Head = typeof Head.Type

const HeadText = Schema.fromJsonString(Head)
/** As JSON has no NaN, which a network's probability may be, the codec writes it as text. */
const Row = Schema.fromJsonString(Schema.toCodecJson(Prediction))

const invalid = (path: string, detail: string) => new RunFolderError({ path, reason: "invalid", detail })

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A list in shards: how many files, and a digest of them in their order. */
export interface Listed {
  readonly files: number
  readonly shards: number
  readonly digest: string
  /** Whether a path is relative. */
  readonly isRelative: boolean
}

/** Whether a path is meant from a folder: it is neither absolute, on any system, nor a URL. */
export const isRelative = (path: string) => !/^(?:[\\/]|[a-z]:[\\/]|[a-z][a-z\d+.-]*:\/\/)/i.test(path)

/** Divides a list into shards of `size` files, in its order; `take` gets each. In memory is one shard at a time. */
export const divideList = <E, R>(
  paths: Stream.Stream<ImagePath>,
  size: number,
  take: (shard: number, paths: ReadonlyArray<ImagePath>, text: string) => Effect.Effect<void, E, R>
): Effect.Effect<Listed, E, R> =>
  paths.pipe(
    Stream.grouped(size),
    Stream.runFoldEffect(
      (): Listed => ({ files: 0, shards: 0, digest: "", isRelative: false }),
      Effect.fnUntraced(function* (before, some) {
        const entries = some.map((one) =>
          Result.isSuccess(one)
            ? one.success
            : { path: one.failure.path, reason: one.failure.reason, detail: one.failure.detail }
        )
        const text = yield* Effect.orDie(Schema.encodeEffect(List)(entries))
        yield* take(before.shards, some, text)
        const files = before.files + some.length
        yield* report({ _tag: "Listing", rows: files })
        return {
          files,
          shards: before.shards + 1,
          digest: yield* sha256(before.digest + (yield* sha256(text))),
          isRelative: before.isRelative || entries.some((one) => typeof one === "string" && isRelative(one))
        }
      })
    )
  )

/** The files of a shard, in their order. */
export const readList = Effect.fnUntraced(function* (folder: Folder, shard: number) {
  const file = listFile(shard)
  const entries = yield* Schema.decodeEffect(List)(textOf(yield* folder.read(file))).pipe(
    Effect.mapError(({ message }) => invalid(`${folder.path}/${file}`, `this is not a shard's list (${message})`))
  )
  return entries.map((one): ImagePath =>
    typeof one === "string" ? Result.succeed(one) : Result.fail(new PathRefused(one))
  )
})

/** Writes a shard. Its features are there before its rows: once these are there, the shard is finished. */
export const writeShard = Effect.fnUntraced(function* (
  folder: Folder,
  head: Omit<Head, "read" | "refused">,
  rows: ReadonlyArray<Prediction>,
  features: ReadonlyArray<Float32Array> | undefined
) {
  if (features !== undefined) {
    const width = features[0]?.length ?? 0
    const all = new Float32Array(features.length * width)
    for (const [i, one] of features.entries()) all.set(one, i * width)
    yield* folder.write(featuresFile(head.shard), new Uint8Array(all.buffer))
  }
  const refused = rows.filter((row) => "error" in row).length
  const end: ShardEnd = { read: rows.length - refused, refused }
  const first = yield* Effect.orDie(Schema.encodeEffect(HeadText)({ ...head, ...end }))
  const lines = yield* Effect.orDie(Effect.forEach(rows, (row) => Schema.encodeEffect(Row)(row)))
  yield* folder.write(rowsFile(head.shard), `${[first, ...lines].join("\n")}\n`)
  return end
})

const readRows = (folder: Folder, shard: number) => Effect.map(folder.read(rowsFile(shard)), textOf)

const headOf = (text: string) => Schema.decodeEffect(HeadText)(text.slice(0, text.indexOf("\n")))

/** The head of a shard that is finished; none where it is not there, or is another prediction's. */
export const finishedHead = Effect.fnUntraced(function* (folder: Folder, key: string, shard: number) {
  if (!(yield* folder.has(rowsFile(shard)))) return Option.none<Head>()
  const head = yield* Effect.option(Effect.flatMap(readRows(folder, shard), headOf))
  return Option.filter(head, ({ prediction, shard: number }) => prediction === key && number === shard)
})

/** Features of a shard's images, a row for each that was read. */
const readFeatures = Effect.fnUntraced(function* (folder: Folder, shard: number, rows: number) {
  const bytes = yield* folder.read(featuresFile(shard))
  // Copied, as the bytes need not begin where a 32-bit number may.
  const all = new Float32Array(bytes.slice().buffer)
  const width = rows === 0 ? 0 : all.length / rows
  if (!Number.isInteger(width))
    return yield* invalid(`${folder.path}/${featuresFile(shard)}`, `it has no whole rows of ${rows} images' features`)
  return (row: number) => all.subarray(row * width, (row + 1) * width)
})

/** The predictions of a shard that is finished, and where they are kept the features of those that were read. */
export const readShard = Effect.fnUntraced(function* (folder: Folder, key: string, shard: number, features: boolean) {
  const file = `${folder.path}/${rowsFile(shard)}`
  const again = "remove it, and give the same command again"
  const text = yield* readRows(folder, shard)
  const head = yield* Effect.mapError(headOf(text), ({ message }) =>
    invalid(file, `this is not a shard of a prediction (${message}); ${again}`)
  )
  if (head.prediction !== key || head.shard !== shard)
    return yield* invalid(file, `this is a shard of another prediction; ${again}`)
  const rows = yield* Effect.forEach(text.trimEnd().split("\n").slice(1), (line) =>
    Schema.decodeEffect(Row)(line)
  ).pipe(Effect.mapError(({ message }) => invalid(file, `it is damaged (${message}); ${again}`)))
  if (rows.length !== head.read + head.refused)
    return yield* invalid(file, `it has ${rows.length} rows of ${head.read + head.refused}; ${again}`)
  return { head, rows, features: features ? yield* readFeatures(folder, shard, head.read) : undefined }
})
