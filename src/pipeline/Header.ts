import { Result } from "effect"
import { nearest } from "../nearest.ts"
import type { DataConfig } from "./DataConfig.ts"
import { RowsError } from "./RowsError.ts"

/** Where a list's first line puts what a row needs. */
export interface Header {
  /** The columns' names, trimmed, in their order. */
  readonly columns: ReadonlyArray<string>
  /** Index of the column with the id, and of the one with the label. */
  readonly id: number
  readonly label: number
  /** `data.images`, with column indexes where cells go in. */
  readonly image: ReadonlyArray<string | number>
}

const quoted = (names: ReadonlyArray<string>): string => names.map((name) => JSON.stringify(name)).join(", ")

/** Each name that occurs more than once. A column without a name is nobody's. */
const duplicates = (names: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(names.filter((name, index) => name !== "" && names.indexOf(name) !== index))
]

/**
 * Finds the configured columns in the first line's cells.
 *
 * Fails where a column of `data.columns` or `data.images` is missing, or a name occurs twice.
 */
export const readHeader = (
  cells: ReadonlyArray<string>,
  config: DataConfig,
  file: string
): Result.Result<Header, RowsError> => {
  const columns = cells.map((cell) => cell.trim())
  const twice = duplicates(columns)
  if (twice.length > 0)
    return Result.fail(
      new RowsError({
        file,
        reason: "duplicateColumn",
        detail: `the header names ${twice.length === 1 ? "a column" : "columns"} more than once: ${quoted(twice)}`,
        cure: "Give every column a name of its own."
      })
    )
  // Odd parts are names of columns: "images/{id}.jpg" becomes "images/", "id", ".jpg".
  const template = config.images.split(/\{([^{}]+)\}/)
  const wanted: ReadonlyArray<readonly [key: string, column: string]> = [
    ["data.columns.id", config.columns.id],
    ["data.columns.label", config.columns.label],
    ...template.filter((_, index) => index % 2 === 1).map((column) => ["data.images", column] as const)
  ]
  const missing = wanted.find(([, column]) => !columns.includes(column))
  if (missing !== undefined) {
    const [key, column] = missing
    const similar = nearest(column, columns)
    return Result.fail(
      new RowsError({
        file,
        reason: "missingColumn",
        detail:
          `the header has no column ${JSON.stringify(column)}, which \`${key}\` asks for` +
          `${similar === undefined ? "" : `; did you mean ${JSON.stringify(similar)}?`}` +
          `${similar === undefined ? ". " : " "}Columns found: ${quoted(columns)}`,
        cure:
          columns.length === 1
            ? `Set \`${key}\` to one of them; if there should be more, check \`data.delimiter\`.`
            : `Set \`${key}\` to one of them.`
      })
    )
  }
  return Result.succeed({
    columns,
    id: columns.indexOf(config.columns.id),
    label: columns.indexOf(config.columns.label),
    image: template.map((part, index) => (index % 2 === 1 ? columns.indexOf(part) : part))
  })
}
