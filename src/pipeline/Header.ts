import { Result } from "effect"
import { nearest } from "../config/nearest.ts"
import type { CatalogueForm } from "./catalogueForm.ts"
import { formOf } from "./catalogueForm.ts"
import type { CorrectedCells, Reading } from "./corrections.ts"
import type { DataConfig } from "./DataConfig.ts"
import { count } from "./DataUnusable.ts"
import { RowsError } from "./RowsError.ts"

/** The columns of a list, from its first line. */
export interface Header {
  /** The columns' names, trimmed, in their order. */
  readonly columns: ReadonlyArray<string>
  /** Index of the column with the id, and of the one with the label. */
  readonly id: number
  readonly label: number
  /** `data.images`, with column indexes where cells go in. */
  readonly image: ReadonlyArray<string | number>
  /** Index of the column with the row's part, where the catalogue divides its rows itself. */
  readonly part?: number
  /** Indexes of the columns that make a row's group, and what of the one cell does, where groups divide the rows. */
  readonly group?: { readonly columns: ReadonlyArray<number>; readonly pattern?: RegExp }
  /** Index of the column with the row's time, where that divides the rows. */
  readonly time?: number
  /** The columns with neither the id, the label nor the image's path, where there are any. */
  readonly others?: { readonly columns: ReadonlyArray<string>; readonly indexes: ReadonlyArray<number> }
  /** Cells that people corrected. */
  readonly corrected?: CorrectedCells
}

const shown = { names: 12, characters: 40 }

const shorten = (name: string): string =>
  JSON.stringify(name.length > shown.characters ? `${name.slice(0, shown.characters)}…` : name)

/** Names for a message, which stays short whatever the header is. */
const quoted = (names: ReadonlyArray<string>): string => {
  const more = names.length - shown.names
  return names.slice(0, shown.names).map(shorten).join(", ") + (more > 0 ? ` and ${count(more)} more` : "")
}

/** Each name that occurs more than once. Columns without a name are ignored. */
const duplicates = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) (seen.has(name) ? twice : seen).add(name)
  twice.delete("")
  return [...twice]
}

/**
 * How many rows below the first line are compared with it where a column is missing, to tell whether it is a header.
 */
export const rowsForHeader = 20

/** A number, a file's name or an address is no column's name. */
const isValue = (cell: string): boolean =>
  /^[-+]?\d+([.,]\d+)*$/.test(cell) || /\.(jpe?g|png|webp|gif|tiff?|avif)$/i.test(cell) || /^\w+:\/\//.test(cell)

/** A text with all digits replaced by the same one: `r00` and `r01` have one shape. */
const shapeOf = (cell: string): string => cell.replaceAll(/\d/g, "0")

/** Whether the first line is rather a row: a value, or a cell that the rows below have as well. */
const looksLikeData = (cells: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): boolean =>
  cells.some(isValue) ||
  cells.some((cell, index) => {
    if (cell === "") return false
    const below = rows.map((row) => (row[index] ?? "").trim())
    return (
      below.includes(cell) || (/\d/.test(cell) && below.length > 1 && below.every((c) => shapeOf(c) === shapeOf(cell)))
    )
  })

/** Delimiters that other programs write. */
const delimiters = [";", "\t", "|", ","]

/** What to write for `data.images`, where it names a missing column. */
const imagesWith = (images: string, column: string, columns: ReadonlyArray<string>, id: string): string | undefined => {
  const known = nearest(column, columns) ?? (columns.includes(id) ? id : columns.find((name) => name !== ""))
  return known === undefined || known.length > shown.characters
    ? undefined
    : images.replace(`{${column}}`, `{${known}}`)
}

/** What to do where the header lacks a column that a key names. */
const cureOf = (key: string, column: string, columns: ReadonlyArray<string>, config: DataConfig): string => {
  const isCsv = formOf(config) === "csv"
  const other =
    isCsv && columns.length === 1 ? delimiters.find((delimiter) => columns[0]?.includes(delimiter)) : undefined
  if (other !== undefined)
    return `Set \`data.delimiter\` to ${JSON.stringify(other)}, which seems to divide the columns.`
  const more = isCsv && columns.length === 1 ? "; if there should be more columns, check `data.delimiter`" : ""
  if (key === "data.split.by") return `Name one of them there, or leave \`data.split.by\` out${more}.`
  if (key !== "data.images") return `Set \`${key}\` to one of them${more}.`
  const example = imagesWith(config.images, column, columns, config.columns.id)
  return example === undefined
    ? `Name one of the columns in braces there${more}.`
    : `Name one of the columns in braces there, such as \`data.images = ${JSON.stringify(example)}\`${more}.`
}

/** How it is put that a list has no column of some name. */
const lacks: Readonly<Record<CatalogueForm, string>> = {
  csv: "the header has no column",
  folders: "class folders have no column",
  jsonl: "none of the first lines has the key",
  parquet: "there is no column"
}

const missingColumn = (
  file: string,
  config: DataConfig,
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  key: string,
  column: string
): RowsError => {
  const form = formOf(config)
  const sentence = `${lacks[form]} ${JSON.stringify(column)}, which \`${key}\` names`
  if (form === "csv" && looksLikeData(columns, rows))
    return new RowsError({
      file,
      reason: "missingColumn",
      detail: `${sentence}; the first line looks like data, not like a header: ${quoted(columns)}`,
      cure: "Insert a line with the columns' names above it."
    })
  const similar = nearest(column, columns)
  const hint = similar === undefined ? ". " : `; did you mean ${JSON.stringify(similar)}? `
  return new RowsError({
    file,
    reason: "missingColumn",
    detail: `${sentence}${hint}Columns found: ${quoted(columns)}`,
    cure: cureOf(key, column, columns, config)
  })
}

/** Parts of `data.images`: those with an odd index are columns. "images/{id}.jpg" becomes "images/", "id", ".jpg". */
const imageParts = (images: string): ReadonlyArray<string> => images.split(/\{([^{}]+)\}/)

/** The columns that a configuration asks for, each with the key that does. */
const asked = ({ columns, images, split }: DataConfig): ReadonlyArray<readonly [key: string, column: string]> => [
  ["data.columns.id", columns.id],
  ["data.columns.label", columns.label],
  ...imageParts(images)
    .filter((_, index) => index % 2 === 1)
    .map((column) => ["data.images", column] as const),
  ...dividing(split).map((column) => ["data.split.by", column] as const)
]

/** The columns that decide a row's part. */
const dividing = ({ by }: DataConfig["split"]): ReadonlyArray<string> => {
  if (typeof by !== "object") return []
  if ("column" in by) return [by.column]
  if ("time" in by) return [by.time]
  return typeof by.group === "string" ? [by.group] : by.group
}

/** The columns that a row is made of, without any twice. */
export const columnsAsked = (config: DataConfig): ReadonlyArray<string> => [
  ...new Set(asked(config).map(([, column]) => column))
]

/**
 * Finds the configured columns in the first line's cells; the rows below it tell whether it is a header at all.
 *
 * Fails where a column of `data.columns` or `data.images` is missing, or a name occurs twice.
 */
export const readHeader = (
  cells: ReadonlyArray<string>,
  config: Reading,
  file: string,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Result.Result<Header, RowsError> => {
  const columns = cells.map((cell) => cell.trim())
  const indexes = new Map(columns.map((name, index) => [name, index]))
  const missing = asked(config).find(([, column]) => !indexes.has(column))
  const twice = duplicates(columns)
  // A row in the header's place may have equal cells; the error is then that it is not a header.
  if (twice.length > 0 && (missing === undefined || !looksLikeData(columns, rows)))
    return Result.fail(
      new RowsError({
        file,
        reason: "duplicateColumn",
        detail: `the header names ${twice.length === 1 ? "a column" : "columns"} more than once: ${quoted(twice)}`,
        cure: "Give every column a name of its own."
      })
    )
  if (missing !== undefined) return Result.fail(missingColumn(file, config, columns, rows, ...missing))
  const { by } = config.split
  const indexOf = (column: string) => indexes.get(column) ?? -1 // found above
  const taken = new Set([
    config.columns.id,
    config.columns.label,
    ...imageParts(config.images).filter((_, index) => index % 2 === 1)
  ])
  const others = columns.filter((column) => column !== "" && !taken.has(column))
  return Result.succeed({
    columns,
    ...(config.corrected !== undefined && { corrected: config.corrected }),
    ...(others.length > 0 && { others: { columns: others, indexes: others.map(indexOf) } }),
    id: indexOf(config.columns.id),
    label: indexOf(config.columns.label),
    image: imageParts(config.images).map((part, index) => (index % 2 === 1 ? indexOf(part) : part)),
    ...(typeof by === "object" && "column" in by && { part: indexOf(by.column) }),
    ...(typeof by === "object" && "time" in by && { time: indexOf(by.time) }),
    ...(typeof by === "object" &&
      "group" in by && {
        group: {
          columns: dividing(config.split).map(indexOf),
          // The Schema has seen that it is a regular expression.
          ...(by.pattern !== undefined && { pattern: new RegExp(by.pattern, "u") })
        }
      })
  })
}
