/** Answers of a tagging desk as corrections of a list: from the desk's SQLite database, or from a CSV. */
import { parse } from "csv-parse/sync"
import { Effect, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { open, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Corrections } from "../../pipeline/corrections.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import * as NodeSqlite from "../database/NodeSqlite.ts"

/** One corrected cell. An empty `row` stands for an upload, which `image` or `digest` names. */
interface Cell {
  readonly row: string
  readonly column: string
  readonly to: string
  readonly digest: string
  readonly image: string
}

/** How an upload's file is named below the desk's folder of images: 256 folders, so that none is crowded. */
export const uploadPath = (digest: string): string => join(digest.slice(0, 2), digest)

const cure = "Set `data.corrections` to a desk's database, or to a CSV with the columns row, column and to."

const unreadable = (file: string, cause: unknown): RowsError => {
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT"
  return new RowsError({
    file,
    reason: isMissing ? "fileMissing" : "unreadable",
    detail: isMissing ? "there is no such file" : `the corrections cannot be read (${messageOf(cause)})`,
    cure,
    cause
  })
}

/** The cells by row and column; a later line of the same cell holds. */
const correctionsOf = (cells: ReadonlyArray<Cell>): Corrections => {
  const rows = new Map<string, Map<string, string>>()
  const uploads = new Map<string, { readonly image: string; readonly values: Map<string, string> }>()
  for (const { column, digest, image, row, to } of cells) {
    if (row !== "") {
      const values = rows.get(row) ?? new Map<string, string>()
      rows.set(row, values.set(column, to))
    } else if (digest !== "" && image !== "") {
      const upload = uploads.get(digest) ?? { image, values: new Map<string, string>() }
      upload.values.set(column, to)
      uploads.set(digest, upload)
    }
  }
  return { cells: rows, uploads: Array.from(uploads, ([id, { image, values }]) => ({ id, image, values })) }
}

const Answered = Schema.Array(
  Schema.Struct({
    digest: Schema.String,
    row: Schema.NullOr(Schema.String),
    col: Schema.String,
    value: Schema.String
  })
)

/** All answers that hold in a desk's database; uploads lie in the folder `images` beside it. */
const fromDesk = (file: string) =>
  SqlClient.SqlClient.use((sql) =>
    sql`SELECT i.digest, r.row_id AS row, v.col, v.value FROM desk_items i JOIN desk_values v ON v.digest = i.digest LEFT JOIN desk_rows r ON r.digest = i.digest WHERE i.answered_by IS NOT NULL AND v.value IS NOT NULL ORDER BY i.digest, r.row_id, v.nth`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Answered)),
      Effect.map((rows) =>
        rows.map(({ col, digest, row, value }): Cell => ({
          row: row ?? "",
          column: col,
          to: value,
          digest,
          image: join(dirname(file), "images", uploadPath(digest))
        }))
      )
    )
  ).pipe(
    Effect.provide(NodeSqlite.layer(file)),
    Effect.mapError((cause) => unreadable(file, cause))
  )

const CsvRows = Schema.Array(Schema.Record(Schema.String, Schema.String))

const fromCsv = Effect.fnUntraced(function* (file: string, text: string) {
  const read = Result.andThen(
    Result.try(() => parse(text, { bom: true, columns: true, skip_empty_lines: true })),
    Schema.decodeUnknownResult(CsvRows)
  )
  const rows = yield* Effect.mapError(Effect.fromResult(read), (cause) => unreadable(file, cause))
  const [first] = rows
  const missing = ["row", "column", "to"].find((column) => first !== undefined && first[column] === undefined)
  if (missing !== undefined)
    return yield* new RowsError({
      file,
      reason: "missingColumn",
      detail: `the corrections have no column ${JSON.stringify(missing)}`,
      cure
    })
  return rows.flatMap(({ column = "", digest = "", image = "", row = "", to = "" }): ReadonlyArray<Cell> =>
    to.trim() === "" ? [] : [{ row: row.trim(), column: column.trim(), to: to.trim(), digest, image }]
  )
})

const sqlite = "SQLite format 3\0"

/** Whether the file is an SQLite database: it is looked at before it is opened as one, which would create it. */
const isSqlite = async (file: string): Promise<boolean> => {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(sqlite.length), 0, sqlite.length, 0)
    return bytesRead === sqlite.length && buffer.toString("latin1") === sqlite
  } finally {
    await handle.close()
  }
}

/** The corrections in a file. Fails with a RowsError where it cannot be read, or is something else. */
export const readCorrections = Effect.fn("readCorrections")(function* (file: string) {
  const fromFile = <A>(read: () => Promise<A>) =>
    Effect.tryPromise({ try: read, catch: (cause) => unreadable(file, cause) })
  if (yield* fromFile(() => isSqlite(file))) return correctionsOf(yield* fromDesk(file))
  return correctionsOf(yield* fromCsv(file, yield* fromFile(() => readFile(file, "utf8"))))
})
