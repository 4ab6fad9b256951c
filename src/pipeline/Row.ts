import { Result, Schema, SchemaIssue } from "effect"
import type { Header } from "./Header.ts"
import type { Refusal } from "./Ledger.ts"
import { Part, partNamed, partWords } from "./Part.ts"
import { Time, timeOf, timeWords } from "./Time.ts"

/** Text on one line: a line break in an id or a label comes from a wrong quote, and no file's name has a NUL. */
const OneLine = Schema.String.check(
  Schema.isPattern(/^\P{Cc}+$/u, { expected: "text without line breaks and control characters" })
)

const Cell = Schema.Trim.pipe(Schema.decodeTo(OneLine))

/** The cells of a row that are neither its id, its label nor its image's path. */
export const OtherCells = Schema.Struct({
  columns: Schema.Array(Schema.String),
  /** The cells, trimmed, as JSON: one text to keep for each row. */
  cells: Schema.String
})
export type OtherCells = typeof OtherCells.Type

/** One well-formed line of the catalogue: a sample's name, its class, and where its image is. */
export const Row = Schema.Struct({
  /** Line of the list, from 1 (a CSV's header); a row over several lines has its first one's. See `Refusal`. */
  line: Schema.Int,
  id: Cell,
  label: Cell,
  /** What the list has for its label, where people corrected it; null: nothing, so that the row is new. */
  was: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** The image's path, under `data.root`. */
  image: OneLine,
  /** The part that the row belongs to, where the catalogue says it. */
  part: Schema.optionalKey(Part),
  /** The cells that it shares with the rows of its group, as JSON; without any it is a group of its own. */
  group: Schema.optionalKey(Schema.String),
  /** Its other cells, as far as its source reads them. */
  others: Schema.optionalKey(OtherCells),
  /** When it is of, where the time divides the rows. */
  time: Schema.optionalKey(Time)
})
export type Row = typeof Row.Type

const decode = Schema.decodeUnknownResult(Row)
const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** Longest text of a row that a refusal keeps, in characters. */
const textLimit = 1000

/** A row that could not be read as one, with its own text. */
export const malformed = (line: number, text: string, detail: string): Refusal => ({
  line,
  reason: "malformed",
  text: shorten(text),
  detail
})

const shorten = (text: string): string => (text.length > textLimit ? `${text.slice(0, textLimit)}…` : text)

/** The image's path of a row: `data.images` with the row's cells. */
const imageOf = (header: Header, cells: ReadonlyArray<string>): string => {
  let path = ""
  for (const part of header.image) path += typeof part === "string" ? part : (cells[part] ?? "").trim()
  return path
}

/** Whether a path ends without a file's name: "", `images/`, `images/.jpg`. */
const isNameless = (path: string): boolean => {
  const slash = path.lastIndexOf("/")
  return slash === path.length - 1 || path.lastIndexOf(".") === slash + 1
}

/** The column whose empty cell leaves an image's path without a file's name. */
const emptyColumn = (header: Header, cells: ReadonlyArray<string>): string | undefined => {
  const empty = header.image.find((part) => typeof part === "number" && (cells[part] ?? "").trim() === "")
  return typeof empty === "number" ? header.columns[empty] : undefined
}

/**
 * A line's cells as a row, or the refusal: `malformed`, `missingId`, `missingLabel`, `unknownPart` or `unknownTime`.
 *
 * `text` is the line as it stands in the file; only a refusal keeps it.
 */
export const readRow = (
  header: Header,
  cells: ReadonlyArray<string>,
  line: number,
  text: string
): Result.Result<Row, Refusal> => {
  const expected = header.columns.length
  if (cells.length !== expected)
    return Result.fail(
      malformed(line, text, `${cells.length} ${cells.length === 1 ? "field" : "fields"} instead of ${expected}`)
    )
  const image = imageOf(header, cells)
  const was = (cells[header.label] ?? "").trim()
  const own = header.corrected?.get((cells[header.id] ?? "").trim())?.get(header.columns[header.label] ?? "")
  const isCorrected = own !== undefined && own !== was
  const read = decode({
    line,
    id: cells[header.id],
    label: isCorrected ? own : cells[header.label],
    image,
    ...(isCorrected && { was: was === "" ? null : was })
  })
  if (Result.isSuccess(read)) {
    const empty = isNameless(image) ? emptyColumn(header, cells) : undefined
    if (empty !== undefined) return Result.fail(noImage(empty, line, text))
    return placed(header, cells, withOthers(header, cells, read.success), text)
  }
  return Result.fail(explain(read.failure.issue, header, cells, line, text))
}

const withOthers = ({ others }: Header, cells: ReadonlyArray<string>, row: Row): Row =>
  others === undefined
    ? row
    : {
        ...row,
        others: {
          columns: others.columns,
          cells: JSON.stringify(others.indexes.map((index) => (cells[index] ?? "").trim()))
        }
      }

/** The row with what decides its part, where its cells are to: `unknownPart` or `unknownTime` where they cannot. */
export const placed = (
  header: Header,
  cells: ReadonlyArray<string>,
  row: Row,
  text: string
): Result.Result<Row, Refusal> => {
  if (header.part !== undefined) {
    const word = cells[header.part] ?? ""
    const part = partNamed(word)
    return part === undefined
      ? Result.fail(noPart(header.columns[header.part] ?? "", word, row, text))
      : Result.succeed({ ...row, part })
  }
  if (header.time !== undefined) {
    const cell = cells[header.time] ?? ""
    const time = timeOf(cell)
    return time === undefined
      ? Result.fail(noTime(header.columns[header.time] ?? "", cell, row, text))
      : Result.succeed({ ...row, time })
  }
  const group = groupOf(header, cells)
  return Result.succeed(group === undefined ? row : { ...row, group })
}

/** A row's cells in the group's columns as JSON; none where all are empty, or the pattern is not in the cell. */
const groupOf = ({ group }: Header, cells: ReadonlyArray<string>): string | undefined => {
  if (group === undefined) return undefined
  const own = group.columns.map((column) => (cells[column] ?? "").trim())
  const [cell = ""] = own
  if (group.pattern === undefined) return own.every((one) => one === "") ? undefined : JSON.stringify(own)
  const match = group.pattern.exec(cell)
  const found = match?.[1] ?? match?.[0] ?? ""
  return found === "" ? undefined : JSON.stringify([found])
}

const noTime = (column: string, cell: string, { id, label, line }: Row, text: string): Refusal => {
  const found = cell.trim() === "" ? "is empty" : `has ${JSON.stringify(cell.trim().slice(0, 40))}`
  return {
    line,
    reason: "unknownTime",
    id,
    label,
    text: shorten(text),
    detail: `the column ${JSON.stringify(column)} ${found}; expected ${timeWords}`
  }
}

const noPart = (column: string, word: string, { id, label, line }: Row, text: string): Refusal => {
  const found = word.trim() === "" ? "is empty" : `has ${JSON.stringify(word.trim().slice(0, 40))}`
  return {
    line,
    reason: "unknownPart",
    id,
    label,
    text: shorten(text),
    detail: `the column ${JSON.stringify(column)} ${found}; expected ${partWords}`
  }
}

const noImage = (column: string, line: number, text: string): Refusal =>
  malformed(line, text, `the image's path is empty: so is the column ${JSON.stringify(column)}`)

const explain = (
  issue: SchemaIssue.Issue,
  header: Header,
  cells: ReadonlyArray<string>,
  line: number,
  text: string
): Refusal => {
  const first = issuesOf(issue).issues[0]
  const field = first?.path?.[0]
  const at = field === "id" ? header.id : field === "label" ? header.label : undefined
  if (at === undefined) {
    const empty = imageOf(header, cells) === "" ? emptyColumn(header, cells) : undefined
    return empty === undefined
      ? malformed(line, text, "the image's path has a line break or a control character")
      : noImage(empty, line, text)
  }
  const name = JSON.stringify(header.columns[at])
  if ((cells[at] ?? "").trim() !== "")
    return malformed(line, text, `the column ${name} has a line break or a control character`)
  const reason = field === "id" ? "missingId" : "missingLabel"
  return { line, reason, text: shorten(text), detail: `the column ${name} is empty` }
}
