import { Result, Schema, SchemaIssue } from "effect"
import { listIn } from "./corrections.ts"
import { keyOf } from "./draw.ts"
import type { Header } from "./Header.ts"
import { byCodePoint } from "./hashOrder.ts"
import type { Refusal } from "./Ledger.ts"
import { refuse } from "./Ledger.ts"
import { Part, partNamed, partWords } from "./Part.ts"
import { Time, timeOf, timeWords } from "./Time.ts"

/** Text on one line: a line break in an id or a label comes from a wrong quote, and no file's name has a NUL. */
const OneLine = Schema.String.check(
  Schema.isPattern(/^\P{Cc}+$/u, { expected: "text without line breaks and control characters" })
)

const Cell = Schema.Trim.pipe(Schema.decodeTo(OneLine))

/** What a row's cell in a label column says: its values, by code point and each once; undefined where it is empty. */
const CellValues = Schema.UndefinedOr(Schema.Array(OneLine))
export type CellValues = typeof CellValues.Type

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
  /** Of the first label column; empty in a row of several label columns that has none there, or may have several. */
  label: Cell,
  /** What its cells say in each label column; absent where there is one column with one value. */
  labels: Schema.optionalKey(Schema.Array(CellValues)),
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
/** A row of several label columns, of which the first may have nothing to say. */
const decodeMany = Schema.decodeUnknownResult(Schema.Struct({ ...Row.fields, label: Schema.String }))
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
 * `text` is the line as it stands in the file; only a refusal keeps it. `lists` are the cells of label columns that are
 * lists in their source, by index.
 */
export const readRow = (
  header: Header,
  cells: ReadonlyArray<string>,
  line: number,
  text: string,
  lists: ReadonlyMap<number, ReadonlyArray<string>> = new Map()
): Result.Result<Row, Refusal> => {
  const expected = header.columns.length
  if (cells.length !== expected)
    return Result.fail(
      malformed(line, text, `${cells.length} ${cells.length === 1 ? "field" : "fields"} instead of ${expected}`)
    )
  const image = imageOf(header, cells)
  const own = header.corrected?.get((cells[header.id] ?? "").trim())
  const correctedAt = (index: number) => own?.get(header.columns[index] ?? "")
  const valuesAt = (column: NonNullable<Header["labels"]>[number], corrected: string | undefined) =>
    corrected === undefined
      ? valuesOf(column, cells[column.index] ?? "", lists.get(column.index))
      : correctedValues(column, corrected)
  const labels = header.labels?.map((column) => valuesAt(column, correctedAt(column.index)))
  const was = wasBefore(header, cells, correctedAt(header.label), () =>
    header.labels?.every((column) => valuesAt(column, undefined) === undefined)
  )
  const more = was === undefined ? {} : { was }
  const label = correctedAt(header.label) ?? cells[header.label]
  const read =
    labels === undefined
      ? decode({ line, id: cells[header.id], label, image, ...more })
      : decodeMany({ line, id: cells[header.id], label: firstLabel(header, labels), image, labels, ...more })
  if (Result.isSuccess(read)) {
    const empty = isNameless(image) ? emptyColumn(header, cells) : undefined
    if (empty !== undefined) return Result.fail(noImage(empty, line, text))
    if (labels?.every((values) => values === undefined) === true) return Result.fail(noLabels(header, line, text))
    return placed(header, cells, withOthers(header, cells, read.success), text)
  }
  return Result.fail(explain(read.failure.issue, header, cells, line, text))
}

/**
 * What the list has for a row's first label, where people corrected it; null where the row had no label at all, in any
 * column (`hadNone`, of several), and is new. Undefined where nothing is corrected there.
 */
const wasBefore = (
  header: Header,
  cells: ReadonlyArray<string>,
  corrected: string | undefined,
  hadNone: () => boolean | undefined
): string | null | undefined => {
  const before = (cells[header.label] ?? "").trim()
  const isNew = hadNone() ?? before === ""
  if (isNew && header.corrected?.has((cells[header.id] ?? "").trim()) === true) return null
  // The split knows no single label of a row where the first column may have several values.
  if (header.labels?.[0]?.separator !== undefined) return corrected === undefined ? undefined : ""
  return corrected === undefined || corrected === before ? undefined : before
}

/** The values of a label column's cell: of a list or of a text that a separator divides each once, by code point. */
export const valuesOf = (
  { separator }: { readonly separator?: string | undefined },
  cell: string,
  list: ReadonlyArray<string> | undefined
): CellValues => {
  if (separator === undefined) return cell.trim() === "" ? undefined : [cell.trim()]
  const values = (list ?? cell.split(separator)).map((value) => value.trim()).filter((value) => value !== "")
  // An empty list says that no value applies; a cell without any says nothing.
  if (values.length === 0) return list?.length === 0 ? [] : undefined
  return [...new Set(values)].sort(byCodePoint)
}

/** The values of a cell that people corrected, as `correctionText` writes them. */
export const correctedValues = (column: { readonly separator?: string | undefined }, text: string): CellValues =>
  valuesOf(column, text, column.separator === undefined ? undefined : listIn(text))

/** The label of a row by the first of its label columns, where that has one value and it is known. */
const firstLabel = ({ labels }: Header, values: ReadonlyArray<CellValues>): string =>
  labels?.[0]?.separator === undefined ? (values[0]?.[0] ?? "") : ""

const noLabels = ({ columns, labels = [] }: Header, line: number, text: string): Refusal => ({
  line,
  reason: "missingLabel",
  text: shorten(text),
  detail:
    labels.length === 1
      ? `the column ${JSON.stringify(columns[labels[0]?.index ?? -1])} is empty`
      : `the columns ${labels.map(({ index }) => JSON.stringify(columns[index])).join(", ")} are empty`
})

/** Characters of a cell up to which it is kept as it is: no name of a product is longer. */
const longestCell = 200

/**
 * A cell as it is kept for each row. A long one, such as a description, becomes its beginning, its length and a hash, so
 * that equal cells stay equal and others differ.
 */
const brief = (cell: string): string =>
  cell.length <= longestCell ? cell : `${cell.slice(0, 100)}… (${cell.length} characters, ${keyOf(cell).toString(16)})`

const withOthers = ({ others }: Header, cells: ReadonlyArray<string>, row: Row): Row =>
  others === undefined
    ? row
    : {
        ...row,
        others: {
          columns: others.columns,
          cells: JSON.stringify(others.indexes.map((index) => brief((cells[index] ?? "").trim())))
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

const noTime = (column: string, cell: string, row: Row, text: string): Refusal => {
  const found = cell.trim() === "" ? "is empty" : `has ${JSON.stringify(cell.trim().slice(0, 40))}`
  const detail = `the column ${JSON.stringify(column)} ${found}; expected ${timeWords}`
  return { ...refuse(row, "unknownTime", detail), text: shorten(text) }
}

const noPart = (column: string, word: string, row: Row, text: string): Refusal => {
  const found = word.trim() === "" ? "is empty" : `has ${JSON.stringify(word.trim().slice(0, 40))}`
  const detail = `the column ${JSON.stringify(column)} ${found}; expected ${partWords}`
  return { ...refuse(row, "unknownPart", detail), text: shorten(text) }
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
  const [field, column] = first?.path ?? []
  const at =
    field === "id"
      ? header.id
      : field === "label"
        ? header.label
        : field === "labels"
          ? header.labels?.[Number(column)]?.index
          : undefined
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
