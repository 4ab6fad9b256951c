import { Console, Effect, Option } from "effect"
import type { Scope } from "effect"
import { Flag } from "effect/cli"
import type { EmbeddingRow } from "../layers/parquet/embeddingsEncoder.ts"
import { embeddingsEncoder } from "../layers/parquet/embeddingsEncoder.ts"
import type { FileError } from "../layers/storage/atomicWrite.ts"
import { growingFile } from "../layers/storage/growingFile.ts"
import { npyHeader } from "../model/baseline/npy.ts"

/** A file of features to which rows are added as they come. */
interface Growing {
  readonly add: (rows: ReadonlyArray<EmbeddingRow>) => Effect.Effect<void, FileError>
  /** Makes it a whole file of so many rows. */
  readonly finish: (rows: number, columns: number) => Effect.Effect<void, FileError>
}

type Open = (file: string) => Effect.Effect<Growing, FileError, Scope.Scope>

const bytesOf = ({ buffer, byteLength, byteOffset }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength)

/** NumPy's array, and the paths beside it, a line each: a path with line ends as JSON text. */
const openNpy: Open = Effect.fnUntraced(function* (file) {
  const numbers = yield* growingFile(file)
  const names = yield* growingFile(file.replace(/\.npy$/, ".txt"))
  // How many rows follow is known at the end.
  yield* numbers.append(npyHeader(0, 0))
  return {
    add: Effect.fnUntraced(function* (rows) {
      // The platforms that Weft runs on are little-endian.
      yield* numbers.append(Buffer.concat(rows.map(({ features }) => bytesOf(features))))
      yield* names.append(rows.map(({ path }) => `${/[\r\n]/.test(path) ? JSON.stringify(path) : path}\n`).join(""))
    }),
    finish: (rows, columns) => Effect.andThen(numbers.finish(npyHeader(rows, columns)), names.finish())
  }
})

const openParquet: Open = Effect.fnUntraced(function* (file) {
  const grown = yield* growingFile(file)
  const encoder = yield* Effect.promise(embeddingsEncoder)
  return {
    add: (rows) =>
      Effect.flatMap(
        Effect.promise(() => encoder.add(rows)),
        grown.append
      ),
    finish: () => Effect.andThen(Effect.flatMap(Effect.promise(encoder.finish), grown.append), grown.finish())
  }
})

/** The formats that features are written in, by the ends of their files' names. */
const formats = [
  [".npy", openNpy],
  [".parquet", openParquet]
] as const

const formatOf = (file: string) => Option.fromNullishOr(formats.find(([end]) => file.endsWith(end)))

export const embeddings = Flag.String("embeddings").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription(
    "Also writes the features that the model gives its head, a row for each image that was read: as FILE.parquet, with the columns path and embedding, a list of numbers; or as NumPy's FILE.npy, and the images' paths as a line each beside it, in FILE.txt"
  ),
  Flag.filterMap(
    (file) => Option.map(formatOf(file), ([, open]) => ({ file, open })),
    (file) => `expected a name that ends in ${formats.map(([end]) => end).join(" or ")}, got ${file}`
  ),
  Flag.optional
)

/**
 * Opens the file of features that was asked for. Rows are given to `take` at once, and are in memory until `write`; the
 * file is there when `finish` has ended, and not at all where the Scope closes before.
 */
export const openEmbeddings = Effect.fnUntraced(function* ({
  file,
  open
}: {
  readonly file: string
  readonly open: Open
}) {
  const grown = yield* open(file)
  let waiting: Array<EmbeddingRow> = []
  let rows = 0
  let columns = 0
  const write = Effect.suspend(() => {
    if (waiting.length === 0) return Effect.void
    const some = waiting
    waiting = []
    return grown.add(some)
  })
  return {
    take: (path: string, features: Float32Array) =>
      Effect.sync(() => {
        // The batch's own array is used again.
        waiting.push({ path, features: features.slice() })
        rows += 1
        columns = features.length
      }),
    write,
    finish: Effect.gen(function* () {
      yield* write
      yield* grown.finish(rows, columns)
      yield* Console.error(`${rows} rows of ${columns} features: ${file}`)
    })
  }
})

/** A file of features that is open: see `openEmbeddings`. */
export type EmbeddingsFile = Effect.Success<ReturnType<typeof openEmbeddings>>
