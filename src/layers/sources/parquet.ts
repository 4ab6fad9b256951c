import { unreadable } from "./unreadable.ts"
/**
 * Parquet: the rows of one file, or of several in the order of their names. Images are named by a column with their paths,
 * or lie in a column themselves: as bytes, or as Hugging Face has them, in a struct of `bytes` and `path`.
 *
 * Only the columns that a row is made of are read, a row group at a time; the images' own bytes are read when they are
 * needed (`ParquetImageBytes`).
 */
import { Array as Arr, Effect, Result, Schema, Stream } from "effect"
import type { AsyncBuffer } from "hyparquet"
import { isUtf8 } from "node:buffer"
import { open, stat } from "node:fs/promises"
import { isAbsolute, relative, resolve, sep } from "node:path"
import type { Reading } from "../../pipeline/corrections.ts"
import type { Header } from "../../pipeline/Header.ts"
import { columnsAsked, readHeader } from "../../pipeline/Header.ts"
import { cellPath } from "../../pipeline/parquetCell.ts"
import { report } from "../../pipeline/Progress.ts"
import { malformed, readRow } from "../../pipeline/Row.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import { noRows, pathUnder } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import { find } from "../images/DiskImageFiles.ts"
import { pause } from "../images/files/walk.ts"
import { fileBuffer } from "../parquet/fileBuffer.ts"
import type { Leaf } from "../parquet/ParquetFile.ts"
import { ParquetFault, ParquetFile } from "../parquet/ParquetFile.ts"
import type { Source } from "./Source.ts"

/** What a cell of a row is made of. */
type Column =
  | { readonly _tag: "Value"; readonly name: string; readonly leaf: string; readonly labels: ReadonlyArray<string> }
  /** The image's bytes are in the column. */
  | { readonly _tag: "Bytes"; readonly name: string; readonly leaf: string }
  /** There is no column with an id: file and row are one. */
  | { readonly _tag: "Place"; readonly name: string }

/** What Hugging Face notes of a file's columns: the names of the classes, of which the file has numbers. */
const Features = Schema.fromJsonString(
  Schema.Struct({
    info: Schema.Struct({
      features: Schema.Record(
        Schema.String,
        Schema.Struct({ _type: Schema.optionalKey(Schema.String), names: Schema.optionalKey(Schema.Unknown) })
      )
    })
  })
)
const decodeFeatures = Schema.decodeUnknownResult(Features)
const isNames = Schema.is(Schema.Array(Schema.String))

/** The names of a column's classes; none where it has none. */
const labelsOf = (file: ParquetFile, column: string): ReadonlyArray<string> => {
  const read = decodeFeatures(file.note("huggingface"))
  const feature = Result.isSuccess(read) ? read.success.info.features[column] : undefined
  return feature?._type === "ClassLabel" && isNames(feature.names) ? feature.names : []
}

/** A column's name where its struct stands for it: `image` for `image.bytes` and `image.path`. */
const structOf = (leaf: string, field: "bytes" | "path"): string | undefined =>
  leaf.endsWith(`.${field}`) ? leaf.slice(0, -field.length - 1) : undefined

const wrongKind = (file: string, detail: string, cure: string): RowsError =>
  new RowsError({ file, reason: "columnKind", detail, cure })

const bytesElsewhere = (file: string, column: string): RowsError =>
  wrongKind(
    file,
    `the column ${JSON.stringify(column)} has bytes, of which no path or name can be made`,
    `Set \`data.images = ${JSON.stringify(`{${column}}`)}\` if they are the images.`
  )

/** Whether a column without a word about its kind has images rather than text, by its first value. */
const hasBytes = async (parquet: ParquetFile, buffer: AsyncBuffer, { kind, name }: Leaf): Promise<boolean> => {
  if (kind !== "bytes") return false
  for (let group = 0; group < parquet.groups.length; group++) {
    const { first = 0, rows = 0 } = parquet.groups[group] ?? {}
    const page = rows === 0 ? undefined : await parquet.page(buffer, first, name)
    const value = (await page?.read())?.values.find((one) => one instanceof Uint8Array)
    if (value instanceof Uint8Array) return !isUtf8(value)
  }
  return false
}

/** Where the configured columns are in a file; a RowsError where they are not, or are of another kind. */
const columnsIn = async (file: string, parquet: ParquetFile, buffer: AsyncBuffer, config: Reading) => {
  const { leaves } = parquet
  const byName = new Map(leaves.map((leaf) => [leaf.name, leaf]))
  const structs = leaves.flatMap(({ name }) => structOf(name, "bytes") ?? [])
  const isNameless = config.columns.id === "id" && !byName.has("id")
  const found = [...(isNameless ? ["id"] : []), ...leaves.map(({ name }) => name), ...structs]
  const checked = readHeader(found, config, file, [])
  if (Result.isFailure(checked)) throw checked.failure
  const asked = columnsAsked(config)
  const header = readHeader(asked, config, file, [])
  if (Result.isFailure(header)) throw header.failure
  const columns: Array<Column> = []
  for (const name of asked) {
    if (isNameless && name === "id") {
      columns.push({ _tag: "Place", name })
      continue
    }
    const isImage = config.images === `{${name}}`
    const inStruct = !byName.has(name)
    const bytes = `${name}.bytes`
    const usesPath = inStruct && isImage && byName.has(`${name}.path`) && parquet.isNull(bytes)
    const leaf = byName.get(inStruct ? (usesPath ? `${name}.path` : bytes) : name)
    if (leaf === undefined) continue
    if (leaf.isRepeated)
      throw wrongKind(
        file,
        `the column ${JSON.stringify(name)} is a list or a map`,
        "Name a column with one value a row."
      )
    const isBytes = (inStruct && !usesPath) || (await hasBytes(parquet, buffer, leaf))
    if (isBytes && !isImage) throw bytesElsewhere(file, name)
    columns.push(
      isBytes
        ? { _tag: "Bytes", name, leaf: leaf.name }
        : { _tag: "Value", name, leaf: leaf.name, labels: labelsOf(parquet, name) }
    )
  }
  return { header: header.success, columns, isNameless }
}

/** A value as a cell; undefined where it is none. */
const cellOf = (value: unknown, labels: ReadonlyArray<string>): string | undefined => {
  if (value === null || value === undefined) return ""
  if (typeof value === "string") return value
  if (typeof value === "boolean") return String(value)
  if (typeof value === "number" || typeof value === "bigint") {
    const name = labels.length === 0 ? undefined : (labels[Number(value)] ?? "")
    return name ?? String(value)
  }
  if (value instanceof Uint8Array) return isUtf8(value) ? Buffer.from(value).toString("utf8") : undefined
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  return undefined
}

const reasons = {
  damaged: "unreadable",
  unsupported: "unreadable",
  encrypted: "encrypted",
  notParquet: "notParquet"
} as const
const cures = {
  damaged: "Fetch or write the file again.",
  unsupported: "Write it again in the usual way, such as `table.to_parquet(FILE)`.",
  encrypted: "Weft reads Parquet files that are not encrypted.",
  notParquet: "Set `data.parquet` to a Parquet file; `data.csv` and `data.jsonl` read others."
} as const

const rowsError = (file: string, cause: unknown): RowsError => {
  if (cause instanceof RowsError) return cause
  if (cause instanceof ParquetFault)
    return new RowsError({ file, reason: reasons[cause.reason], detail: cause.message, cure: cures[cause.reason] })
  return unreadable(file, "parquet", cause)
}

/** A file's path under the root; one outside stands for itself. */
const placeOf = (root: string, file: string): string => {
  const way = relative(root, file).replaceAll(sep, "/")
  return way.startsWith("../") || isAbsolute(way) ? resolve(file) : way
}

/** The rows of one file, a row group at a time, and what to note of it. */
async function* rowsOf(
  root: string,
  file: string,
  config: Reading,
  listed: number,
  note: (line: string) => void
): AsyncGenerator<ReadonlyArray<Listed>, number> {
  const handle = await open(file)
  try {
    const buffer = fileBuffer(handle, (await handle.stat()).size)
    const parquet = await ParquetFile.open(buffer)
    const { columns, header, isNameless } = await columnsIn(file, parquet, buffer, config)
    if (isNameless && listed === 0) note(`${file}: there is no column "id": file and row stand for it`)
    const labels = columns.find(({ name }) => name === config.columns.label)
    if (labels?._tag === "Value" && labels.labels.length > 0 && listed === 0)
      note(`${file}: the numbers of ${JSON.stringify(labels.name)} are classes, whose names the file has`)
    for (const [group, { first, rows }] of parquet.groups.entries()) {
      if (rows === 0) continue
      const values: Array<ReadonlyArray<unknown>> = []
      for (const column of columns)
        values.push(column._tag === "Value" ? await parquet.column(buffer, group, column.leaf) : [])
      const place = placeOf(root, file)
      yield Array.from({ length: rows }, (_, index) =>
        rowOf(header, columns, values, index, place, first + index, listed + first + index + 1)
      )
    }
    return parquet.rows
  } finally {
    await handle.close()
  }
}

const rowOf = (
  header: Header,
  columns: ReadonlyArray<Column>,
  values: ReadonlyArray<ReadonlyArray<unknown>>,
  index: number,
  file: string,
  row: number,
  line: number
): Listed => {
  const cells = columns.map((column, at) =>
    column._tag === "Value"
      ? cellOf(values[at]?.[index], column.labels)
      : column._tag === "Bytes"
        ? cellPath({ file, row, column: column.leaf })
        : `${file}#${row}`
  )
  const text = JSON.stringify(Object.fromEntries(columns.map(({ name }, at) => [name, cells[at] ?? null])))
  const wrong = cells.indexOf(undefined)
  if (wrong >= 0)
    return Result.fail(
      malformed(
        line,
        text,
        `the column ${JSON.stringify(columns[wrong]?.name)} has a value that is neither text nor a number`
      )
    )
  return readRow(
    header,
    cells.map((cell) => cell ?? ""),
    line,
    text
  )
}

/** The files that the configured path or pattern names, in their names' order. */
const filesOf = async (path: string): Promise<ReadonlyArray<string>> => {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true) return [path]
  // A table that several processes wrote is a folder of its parts.
  const pattern = found?.isDirectory() === true ? `${path}/*.parquet` : path
  const files: Array<string> = []
  for await (const one of find(pattern, () => {})) {
    if (one === pause) continue
    if (Result.isSuccess(one)) files.push(one.success)
    else if (one.failure.reason === "patternRefused")
      throw new RowsError({
        file: path,
        reason: "unreadable",
        detail: one.failure.detail,
        cure: "Correct the pattern of `data.parquet`."
      })
  }
  if (files.length === 0)
    throw new RowsError({
      file: path,
      reason: "fileMissing",
      detail: "no file matches this pattern",
      cure: "Set `data.parquet` to a file under `data.root`, or to a pattern such as `data/train-*.parquet`."
    })
  return files
}

async function* read(
  root: string,
  config: Reading,
  note: (line: string) => void
): AsyncGenerator<ReadonlyArray<Listed>> {
  const path = pathUnder(root, config.parquet ?? "")
  let listed = 0
  let file = path
  try {
    for (file of await filesOf(path)) listed += yield* rowsOf(root, file, config, listed, note)
    if (listed === 0) throw noRows(path, "there are columns and no row")
  } catch (cause) {
    throw rowsError(file, cause)
  }
}

/** Rows of Parquet files; `data.images` may name a column with the images' own bytes. */
export const parquet: Source = {
  takes: (config) => config.parquet !== undefined,
  read: (root, config) =>
    Stream.suspend(() => {
      const notes: Array<string> = []
      return Stream.fromAsyncIterable(
        read(root, config, (line) => notes.push(line)),
        // `read` throws no other.
        (cause) => (cause instanceof RowsError ? cause : rowsError(root, cause))
      ).pipe(
        Stream.tap(() => Effect.forEach(notes.splice(0), (line) => report({ _tag: "Note", line }), { discard: true })),
        Stream.filter(Arr.isReadonlyArrayNonEmpty),
        Stream.flattenArray
      )
    })
}
