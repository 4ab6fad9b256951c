import { Effect, Result, Stream } from "effect"
import type { CorrectedCells, Reading } from "../../pipeline/corrections.ts"
import type { DataConfig } from "../../pipeline/DataConfig.ts"
import { correctedValues } from "../../pipeline/Row.ts"
import { pathUnder } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import { makeCsvReader } from "./csv.ts"
import { textBytes } from "./textFile.ts"
import { makeLineSplitter } from "./textLines.ts"

const chunkBytes = 65_536

const newline = 10
const carriageReturn = 13
const quote = 34

/** What ends a line, as `makeLineSplitter` finds it out. */
const separatorOf = (bytes: Buffer): number => {
  const first = bytes.subarray(0, chunkBytes)
  return first.includes(newline) || !first.includes(carriageReturn) ? newline : carriageReturn
}

/** Where each line begins. */
const lineStarts = (bytes: Buffer, separator: number): ReadonlyArray<number> => {
  const starts = [bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0]
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, at + 1)) starts.push(at + 1)
  return starts
}

/** A cell's bytes in the file. */
interface Span {
  readonly from: number
  readonly to: number
}

/**
 * The cells of the record that begins at `from`, in the way of RFC 4180; a quote within an unquoted cell is a
 * character.
 */
const spansOf = (bytes: Buffer, from: number, delimiter: Buffer, separator: number): ReadonlyArray<Span> => {
  const isAt = (at: number) => bytes.subarray(at, at + delimiter.length).equals(delimiter)
  const isBreak = (at: number) => at >= bytes.length || bytes[at] === separator
  const isEnd = (at: number) => isBreak(at) || (bytes[at] === carriageReturn && isBreak(at + 1))
  const spans: Array<Span> = []
  let at = from
  for (;;) {
    const start = at
    if (bytes[at] === quote) {
      at += 1
      for (;;) {
        const next = bytes.indexOf(quote, at)
        if (next < 0) return spans
        at = next + 1
        if (bytes[at] !== quote) break
        at += 1
      }
    }
    while (!isEnd(at) && !isAt(at)) at += 1
    spans.push({ from: start, to: at })
    if (isEnd(at)) return spans
    at += delimiter.length
  }
}

/** What a cell holds. */
const textOf = (cell: string): string =>
  cell.startsWith('"') && cell.endsWith('"') && cell.length > 1 ? cell.slice(1, -1).replaceAll('""', '"') : cell

/**
 * What a cell is to hold; undefined where it holds that already. Of several values, those that stay keep their order, and
 * new ones come last.
 */
const replacing = (before: string, corrected: string, separator: string | undefined): string | undefined => {
  if (separator === undefined) return before.trim() === corrected ? undefined : corrected
  const wanted = new Set(correctedValues({ separator }, corrected))
  const has = new Set(before.split(separator).flatMap((value) => (value.trim() === "" ? [] : [value.trim()])))
  const staying = [...has].filter((value) => wanted.has(value))
  const added = [...wanted].filter((value) => !has.has(value))
  return staying.length === has.size && added.length === 0 ? undefined : [...staying, ...added].join(separator)
}

/** A value as a cell: with quotes where it needs them, or where the cell had them. */
const cellOf = (value: string, before: string, delimiter: string): string =>
  before.startsWith('"') || value.includes(delimiter) || /["\r\n]|^\s|\s$/.test(value)
    ? `"${value.replaceAll('"', '""')}"`
    : value

/**
 * The bytes of the catalogue's CSV with the corrected cells; all others are the file's own, one for one: its line ends, its
 * quotes, its byte order mark, and rows that cannot be read. Without corrections it is the file.
 *
 * The file is in memory while it is written. Fails with a RowsError where it cannot be read, or is no CSV.
 */
export const correctedCsv = (
  root: string,
  data: DataConfig,
  corrected: CorrectedCells
): Stream.Stream<Uint8Array, RowsError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const file = pathUnder(root, data.csv)
      const chunks: Array<Uint8Array> = []
      const config: Reading = { ...data, corrected }
      const reader = makeCsvReader(file, config)
      const splitter = makeLineSplitter()
      /** Lines of the rows with corrections; of several with the same id the first is the row. */
      const rows = new Map<string, number>()
      const read = (lines: ReturnType<typeof splitter.push>, complete: boolean) =>
        Result.map(reader.read(lines, complete), (listed) => {
          for (const one of listed)
            if (Result.isSuccess(one) && corrected.has(one.success.id) && !rows.has(one.success.id))
              rows.set(one.success.id, one.success.line)
        })
      yield* textBytes(file, chunkBytes).pipe(
        Stream.runForEach((chunk) => {
          chunks.push(chunk)
          return Effect.fromResult(read(splitter.push(chunk), false))
        })
      )
      yield* Effect.fromResult(read(splitter.end(), true))
      const bytes = Buffer.concat(chunks)
      const { delimiter, header } = reader.layout()
      if (header === undefined) return Stream.fromArray<Uint8Array>([bytes])
      const separator = separatorOf(bytes)
      const starts = lineStarts(bytes, separator)
      const divider = Buffer.from(delimiter)
      const changes: Array<Span & { readonly text: string }> = []
      for (const [id, line] of rows) {
        const spans = spansOf(bytes, starts[line - 1] ?? 0, divider, separator)
        const textIn = (span: Span | undefined) =>
          span === undefined ? undefined : bytes.subarray(span.from, span.to).toString("utf8")
        const own = textOf(textIn(spans[header.id]) ?? "").trim()
        if (spans.length !== header.columns.length || own !== id)
          return yield* new RowsError({
            file,
            reason: "unreadable",
            detail: `line ${line}, the row ${JSON.stringify(id)}, breaks RFC 4180, so that its cells cannot be replaced`,
            cure: "Put quotes around its cells that have quotes or line breaks in them, and double those quotes."
          })
        for (const [column, value] of corrected.get(id) ?? []) {
          const span = spans[header.columns.indexOf(column)]
          const before = textIn(span)
          if (span === undefined || before === undefined) continue
          const label = header.labels?.find(({ index }) => header.columns[index] === column)
          const text = replacing(textOf(before), value, label?.separator)
          if (text !== undefined) changes.push({ ...span, text: cellOf(text, before, delimiter) })
        }
      }
      const pieces: Array<Uint8Array> = []
      let at = 0
      for (const { from, text, to } of changes.sort((a, b) => a.from - b.from)) {
        pieces.push(bytes.subarray(at, from), Buffer.from(text))
        at = to
      }
      pieces.push(bytes.subarray(at))
      return Stream.fromArray(pieces)
    })
  )
