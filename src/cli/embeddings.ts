import { Console, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import type { EmbeddingRow } from "../layers/parquet/encodeEmbeddings.ts"
import { encodeEmbeddings } from "../layers/parquet/encodeEmbeddings.ts"
import { atomicWrite } from "../layers/storage/atomicWrite.ts"
import { encodeNpy } from "../model/baseline/npy.ts"

/** NumPy's array, and the paths beside it, a line each: a path with line ends as JSON text. */
const writeNpy = Effect.fnUntraced(function* (file: string, rows: ReadonlyArray<EmbeddingRow>) {
  const columns = rows[0]?.features.length ?? 0
  const data = new Float32Array(rows.length * columns)
  for (const [at, { features }] of rows.entries()) data.set(features, at * columns)
  const names = rows.map(({ path }) => `${/[\r\n]/.test(path) ? JSON.stringify(path) : path}\n`).join("")
  yield* atomicWrite(file, encodeNpy({ rows: rows.length, columns, data }))
  yield* atomicWrite(file.replace(/\.npy$/, ".txt"), names)
})

const writeParquet = Effect.fnUntraced(function* (file: string, rows: ReadonlyArray<EmbeddingRow>) {
  yield* atomicWrite(file, yield* Effect.promise(() => encodeEmbeddings(rows)))
})

/** The formats that features are written in, by the ends of their files' names. */
const formats = [
  [".npy", writeNpy],
  [".parquet", writeParquet]
] as const

const formatOf = (file: string) => Option.fromNullishOr(formats.find(([end]) => file.endsWith(end)))

export const embeddings = Flag.String("embeddings").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription(
    "Also writes the features that the model gives its head, a row for each image that was read: as FILE.parquet, with the columns path and embedding, a list of numbers; or as NumPy's FILE.npy, and the images' paths as a line each beside it, in FILE.txt"
  ),
  Flag.filterMap(
    (file) => Option.map(formatOf(file), ([, write]) => ({ file, write })),
    (file) => `expected a name that ends in ${formats.map(([end]) => end).join(" or ")}, got ${file}`
  ),
  Flag.optional
)

/** Writes rows of features in the format that was asked for. */
export const writeEmbeddings = Effect.fnUntraced(function* (
  { file, write }: { readonly file: string; readonly write: (typeof formats)[number][1] },
  rows: ReadonlyArray<EmbeddingRow>
) {
  yield* write(file, rows)
  yield* Console.error(`${rows.length} rows of ${rows[0]?.features.length ?? 0} features: ${file}`)
})
