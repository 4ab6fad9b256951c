import { parse } from "csv-parse/sync"
import { Result } from "effect"
import type { DataConfig } from "../pipeline/DataConfig.ts"
import type { Header } from "../pipeline/Header.ts"
import { readHeader } from "../pipeline/Header.ts"
import type { Refusal } from "../pipeline/Ledger.ts"
import { malformed, readRow } from "../pipeline/Row.ts"
import type { Listed } from "../pipeline/Rows.ts"
import { noHeader, noRows } from "../pipeline/Rows.ts"
import { RowsError } from "../pipeline/RowsError.ts"
import type { Lines } from "./csvLines.ts"
import { areRowsAlone, linesOfRecord } from "./csvQuotes.ts"

const parseAll = (text: string, delimiter: string) =>
  Result.try(() =>
    parse(text, {
      delimiter,
      record_delimiter: "\n",
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: false
    })
  )

/** The cells of one record; none where csv-parse finds no record in it, or more than one. */
const parseOne = (text: string, delimiter: string): ReadonlyArray<string> | undefined => {
  const records = Result.getOrElse(parseAll(text, delimiter), () => [])
  return records.length === 1 ? records[0] : undefined
}

/**
 * The cells of several records; none for one that cannot be read. A call of csv-parse costs more than a row does, so that
 * the records go together; where what comes back is not record for record, each is read alone.
 */
const parseMany = (
  texts: ReadonlyArray<string>,
  delimiter: string
): ReadonlyArray<ReadonlyArray<string> | undefined> => {
  if (texts.length === 0) return []
  const together = Result.getOrElse(parseAll(texts.join("\n"), delimiter), () => [])
  return together.length === texts.length ? together : texts.map((text) => parseOne(text, delimiter))
}

/**
 * A text of its own. V8 cuts a text of 13 characters and more out of a block of the file by pointing into it, which would
 * keep the whole block in memory.
 */
const detach = (text: string): string => (text.length < 13 ? text : Buffer.from(text, "utf8").toString("utf8"))

const detached = (refusal: Refusal): Listed => Result.fail({ ...refusal, text: detach(refusal.text ?? "") })

/**
 * Reads rows from lines as they come; holds back what may go on in the next ones. `complete` says that there are no more.
 *
 * Lines without a quote have nothing to parse and are cut at the delimiter, several times faster; csv-parse reads the
 * others.
 */
export const makeCsvReader = (file: string, config: DataConfig) => {
  const { delimiter } = config
  const labels = new Map<string, string>()
  let header: Header | undefined
  let listed = 0
  let texts: ReadonlyArray<string> = []
  let broken: ReadonlySet<number> = new Set()
  /** Line of `texts[0]`. */
  let first = 1

  /** The record over several lines, unless they are rather rows that a stray quote tied together. */
  const joined = (lines: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const cells = parseOne(lines.join("\n"), delimiter)
    if (cells === undefined || header === undefined) return cells
    // A line break in the id or the label is malformed as well.
    const row = readRow(header, cells, first, "")
    const isOne = Result.isSuccess(row) || row.failure.reason !== "malformed"
    return isOne && !areRowsAlone(lines, delimiter, header.columns.length) ? cells : undefined
  }

  const toRow = (header: Header, cells: ReadonlyArray<string>, line: number, text: string): Listed => {
    const listed = readRow(header, cells, line, text)
    if (Result.isFailure(listed)) return detached(listed.failure)
    const row = listed.success
    let label = labels.get(row.label)
    if (label === undefined) {
      label = detach(row.label)
      labels.set(label, label)
    }
    return Result.succeed({ line, id: detach(row.id), label, image: detach(row.image) })
  }

  /** How many lines the record at an index of `texts` takes; 0 where it cannot be read, none where it may go on. */
  const linesAt = (at: number, complete: boolean): number | undefined => {
    const count = linesOfRecord(texts, at, delimiter, complete)
    if (count === undefined || count < 2) return count
    const lines = texts.slice(at, at + count)
    return lines.some((_, index) => broken.has(at + index)) || joined(lines) === undefined ? 0 : count
  }

  /** Takes in more lines, behind those that were held back. */
  const append = (lines: Lines) => {
    const held = texts.length
    texts = held === 0 ? lines.texts : [...texts, ...lines.texts]
    if (lines.broken.size > 0) broken = new Set([...broken, ...[...lines.broken].map((index) => index + held)])
  }

  /** Lets go of lines that have been read. */
  const drop = (count: number) => {
    first += count
    texts = texts.slice(count)
    if (broken.size > 0) broken = new Set([...broken].map((index) => index - count).filter((index) => index >= 0))
  }

  /** Reads the header, the first line that is not blank. Returns how many lines were read. */
  const start = (complete: boolean): Result.Result<number, RowsError> => {
    const at = texts.findIndex((text) => !isBlank(text))
    if (at < 0) return complete ? Result.fail(noHeader(file)) : Result.succeed(texts.length)
    if (broken.has(at)) return Result.fail(headerNotUtf8(file, first + at))
    const count = linesAt(at, complete)
    if (count === undefined) return Result.succeed(at)
    const cells = parseOne(texts.slice(at, at + count).join("\n"), delimiter)
    if (cells === undefined) return Result.fail(headerNotClosed(file, first + at))
    return Result.map(readHeader(cells, config, file), (found) => {
      header = found
      return at + count
    })
  }

  /** Reads the rows that `texts` has whole. Returns how many lines were read. */
  const advance = (header: Header, complete: boolean, rows: Array<Listed>): number => {
    const withQuotes: Array<{ readonly index: number; readonly line: number; readonly text: string }> = []
    let at = 0
    while (at < texts.length) {
      // The loop's condition says that there is one.
      const text = texts[at]!
      const line = first + at
      let count: number | undefined = 1
      if (broken.has(at)) rows.push(detached(malformed(line, text, "bytes that are not UTF-8, shown as \uFFFD")))
      else if (!text.includes('"')) {
        if (!isBlank(text)) rows.push(toRow(header, text.split(delimiter), line, text))
      } else {
        count = linesAt(at, complete)
        if (count === undefined) break
        if (count === 0) rows.push(detached(malformed(line, text, "a quote is opened and not closed")))
        else {
          const whole = count === 1 ? text : texts.slice(at, at + count).join("\n")
          withQuotes.push({ index: rows.length, line, text: whole })
          rows.push(detached(malformed(line, whole, "its quotes cannot be read")))
        }
      }
      at += Math.max(count, 1)
    }
    const cells = parseMany(
      withQuotes.map(({ text }) => text),
      delimiter
    )
    withQuotes.forEach(({ index, line, text }, n) => {
      const read = cells[n]
      if (read !== undefined) rows[index] = toRow(header, read, line, text)
    })
    return at
  }

  /** The rows that these lines complete. */
  return (lines: Lines, complete: boolean): Result.Result<ReadonlyArray<Listed>, RowsError> => {
    append(lines)
    if (header === undefined) {
      const read = start(complete)
      if (Result.isFailure(read)) return Result.fail(read.failure)
      drop(read.success)
    }
    const rows: Array<Listed> = []
    if (header !== undefined) drop(advance(header, complete, rows))
    listed += rows.length
    return complete && listed === 0 ? Result.fail(noRows(file)) : Result.succeed(rows)
  }
}

/** Nothing but white space: no row. */
const isBlank = (text: string): boolean => text === "" || (text.charCodeAt(0) <= 32 && text.trim() === "")

const headerNotUtf8 = (file: string, line: number): RowsError =>
  new RowsError({
    file,
    reason: "notUtf8",
    detail: `line ${line}, the header, has bytes that are not UTF-8`,
    cure: 'Save the file as UTF-8 (spreadsheets call it "CSV UTF-8").'
  })

const headerNotClosed = (file: string, line: number): RowsError =>
  new RowsError({
    file,
    reason: "unreadable",
    detail: `line ${line}, the header, opens a quote and does not close it`,
    cure: "Close the quote, or take it out."
  })
