/**
 * JSON lines: an object on each line. Its keys are the columns; `a.b` is the key `b` of the object under `a`. Hugging
 * Face's `metadata.jsonl` is one, with the image's path under `file_name`.
 */
import { Array as Arr, Effect, Result, Stream } from "effect"
import { visit } from "jsonc-parser"
import type { Reading } from "../../pipeline/corrections.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import type { Header } from "../../pipeline/Header.ts"
import { columnsAsked, readHeader, rowsForHeader } from "../../pipeline/Header.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import { report } from "../../pipeline/Progress.ts"
import { malformed, readRow } from "../../pipeline/Row.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import { noRows, pathUnder } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import type { Source } from "./Source.ts"
import { textBytes } from "./textFile.ts"
import type { LineFault, Lines } from "./textLines.ts"
import { detach, faultDetail, isBlank, makeLineSplitter } from "./textLines.ts"

type Table = { readonly [key: string]: unknown }

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null && !Array.isArray(value)

/** A line as it came. */
interface Line {
  readonly number: number
  readonly text: string
  readonly fault: LineFault | undefined
}

/** What a value is, for messages. */
const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${typeof value}`

/** Most characters of the parser's own words, which may quote the line. */
const mostShown = 100

const parse = (text: string): Result.Result<Table, string> => {
  const read = Result.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) => (cause instanceof Error ? cause.message.slice(0, mostShown) : String(cause))
  })
  if (Result.isFailure(read)) return Result.fail(`this is not JSON: ${read.failure}`)
  return isTable(read.success)
    ? Result.succeed(read.success)
    : Result.fail(`this is ${kindOf(read.success)}; expected an object`)
}

/** The value of a column: under a key of just that name, or under the keys that its dots divide. */
const valueOf = (table: Table, column: string): unknown => {
  if (Object.hasOwn(table, column)) return table[column]
  for (let dot = column.indexOf("."); dot >= 0; dot = column.indexOf(".", dot + 1)) {
    const key = column.slice(0, dot)
    const inner = Object.hasOwn(table, key) ? table[key] : undefined
    const value = isTable(inner) ? valueOf(inner, column.slice(dot + 1)) : undefined
    if (value !== undefined) return value
  }
  return undefined
}

/** The columns of an object, those of nested objects behind their own. */
const columnsOf = (table: Table, prefix = ""): ReadonlyArray<string> =>
  Object.entries(table).flatMap(([key, value]) =>
    isTable(value) ? columnsOf(value, `${prefix}${key}.`) : [`${prefix}${key}`]
  )

/** Numbers as they are written: JavaScript's own would round a long one. */
const numbersAsWritten = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown, ...[context]: ReadonlyArray<unknown>) =>
    typeof value === "number" && isTable(context) && typeof context["source"] === "string" ? context["source"] : value
  )

/** The first key that an object of the line has twice, of which JSON would take the last without a word. */
const keyTwice = (text: string): string | undefined => {
  let found: string | undefined
  const open: Array<Set<string>> = []
  visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty: (name) => {
      const keys = open.at(-1)
      if (keys?.has(name) === true) found ??= name
      keys?.add(name)
    }
  })
  return found
}

/** Whether a quoted name may stand twice in a text: a look that costs little. */
const mayBeTwice = (text: string, names: ReadonlyArray<string>): boolean =>
  names.some((name) => {
    const at = text.indexOf(name)
    return at >= 0 && text.includes(name, at + name.length)
  })

const cellOf = (value: unknown): string | undefined =>
  value === null || value === undefined
    ? ""
    : typeof value === "string"
      ? value
      : typeof value === "number" || typeof value === "boolean"
        ? JSON.stringify(value)
        : undefined

/** Reads the objects of some columns as rows. */
const makeRowReader = (header: Header, columns: ReadonlyArray<string>) => {
  const names = columns.flatMap((column) => column.split(".").map((key) => JSON.stringify(key)))
  const labels = new Map<string, string>()
  const refused = (refusal: Refusal): Listed => Result.fail({ ...refusal, text: detach(refusal.text ?? "") })
  return ({ fault, number, text }: Line): Listed => {
    if (fault !== undefined) return refused(malformed(number, text, faultDetail[fault]))
    const read = parse(text)
    if (Result.isFailure(read)) return refused(malformed(number, text, read.failure))
    const twice = mayBeTwice(text, names) ? keyTwice(text) : undefined
    if (twice !== undefined)
      return refused(malformed(number, text, `the key ${JSON.stringify(twice.slice(0, mostShown))} stands there twice`))
    let table = read.success
    if (columns.some((column) => typeof valueOf(table, column) === "number")) {
      const written = numbersAsWritten(text)
      if (isTable(written)) table = written
    }
    const cells: Array<string> = []
    for (const column of columns) {
      const value = valueOf(table, column)
      const cell = cellOf(value)
      if (cell === undefined)
        return refused(
          malformed(number, text, `the key ${JSON.stringify(column)} has ${kindOf(value)}; expected text or a number`)
        )
      cells.push(cell)
    }
    const listed = readRow(header, cells, number, text)
    if (Result.isFailure(listed)) return refused(listed.failure)
    const row = listed.success
    const label = labels.get(row.label) ?? detach(row.label)
    labels.set(label, label)
    return Result.succeed({ ...row, id: detach(row.id), label, image: detach(row.image) })
  }
}

const noObjects = (file: string, first: Line, why: string): RowsError =>
  new RowsError({
    file,
    reason: "notJsonLines",
    detail: `none of the first lines is a JSON object; line ${first.number}: ${why}`,
    cure: 'Expected an object on each line, such as {"id": "1", "label": "shirt"}.'
  })

/** The columns of the first lines, and what a row is made of; the note says what stands for an id. */
const start = (file: string, config: Reading, lines: ReadonlyArray<Line>) => {
  const tables = lines.map(({ fault, text }) => (fault === undefined ? parse(text) : Result.fail(faultDetail[fault])))
  const objects = tables.filter(Result.isSuccess).map(({ success }) => success)
  const [first] = lines
  const [why] = tables.filter(Result.isFailure)
  if (objects.length === 0 && first !== undefined && why !== undefined)
    return Result.fail(noObjects(file, first, why.failure))
  const columns = [...new Set(objects.flatMap((table) => columnsOf(table)))]
  // As Hugging Face writes it: images have a path, and no name beside it.
  const isNameless = config.columns.id === "id" && !columns.includes("id") && columns.includes("file_name")
  const named = isNameless ? { ...config, columns: { ...config.columns, id: "file_name" } } : config
  const asked = columnsAsked(named)
  // A key with a dot in it is found as a nested one is.
  const found = [
    ...new Set([...columns, ...asked.filter((column) => objects.some((one) => valueOf(one, column) !== undefined))])
  ]
  return Result.map(
    Result.andThen(readHeader(found, named, file, []), () => readHeader(asked, named, file, [])),
    (header) => ({
      read: makeRowReader(header, asked),
      note: isNameless ? `${file}: there is no key "id": "file_name" stands for it` : undefined
    })
  )
}

/** Reads rows from lines as they come; the first ones are held back until the columns are known. */
const makeJsonlReader = (file: string, config: Reading) => {
  let number = 0
  let listed = 0
  let held: Array<Line> = []
  let reader: ReturnType<typeof makeRowReader> | undefined
  let note: string | undefined
  return {
    note: () => note,
    read: (lines: Lines, complete: boolean): Result.Result<ReadonlyArray<Listed>, RowsError> => {
      const rows: Array<Listed> = []
      lines.texts.forEach((text, index) => {
        number += 1
        const line = { number, text, fault: lines.faults.get(index) }
        if (line.fault === undefined && isBlank(text)) return
        if (reader === undefined) held.push(line)
        else rows.push(reader(line))
      })
      if (reader === undefined && held.length > 0 && (complete || held.length >= rowsForHeader)) {
        const started = start(file, config, held.slice(0, rowsForHeader))
        if (Result.isFailure(started)) return Result.fail(started.failure)
        const { read } = started.success
        reader = read
        note = started.success.note
        rows.push(...held.map((line) => read(line)))
        held = []
      }
      listed += rows.length
      return complete && listed === 0 ? Result.fail(empty(file, number)) : Result.succeed(rows)
    }
  }
}

const empty = (file: string, lines: number): RowsError =>
  lines === 0
    ? new RowsError({
        file,
        reason: "empty",
        detail: "the file is empty",
        cure: "Expected a JSON object on a line for each image."
      })
    : noRows(file, `there are ${count(lines)} lines, and all are blank`)

/** The source `jsonl`, which reads `chunkBytes` bytes at a time. UTF-8 with or without a byte order mark, LF or CRLF. */
export const jsonlReading = (chunkBytes: number): Source => ({
  takes: (config) => config.jsonl !== undefined,
  read: (root, config) =>
    Stream.suspend(() => {
      const file = pathUnder(root, config.jsonl ?? "")
      const splitter = makeLineSplitter()
      const { note, read } = makeJsonlReader(file, config)
      const last = Effect.suspend(() => Effect.fromResult(read(splitter.end(), true))).pipe(
        Effect.tap(() => {
          const line = note()
          return line === undefined ? Effect.void : report({ _tag: "Note", line })
        })
      )
      return textBytes(file, chunkBytes, "jsonl").pipe(
        Stream.mapEffect((bytes) => Effect.fromResult(read(splitter.push(bytes), false))),
        Stream.concat(Stream.fromEffect(last)),
        Stream.filter(Arr.isReadonlyArrayNonEmpty),
        Stream.flattenArray
      )
    })
})

/** A file with a JSON object on each line. */
export const jsonl: Source = jsonlReading(65_536)
