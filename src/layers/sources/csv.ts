/**
 * From lines to rows: RFC 4180 first, and a way to go on where a file breaks it.
 *
 * csv-parse reads the cells, but not as a stream: it finds out at the end of the file that a quote was never closed, and
 * can neither go back to the next line nor bound what it holds. So the lines come first, with their true numbers, and
 * where a row ends is found before csv-parse sees it:
 *
 * - A quoted cell is one cell, whatever its lines look like and however many there are, up to `longest` characters.
 * - A quote that is opened and not closed costs its own line, and reading goes on at the next one. So does a quote that
 *   would be closed where RFC 4180 allows no quote: with text behind it, as the opening quote of a later cell has.
 * - An unclosed quote and a later one may tie rows together to what RFC 4180 takes for one cell. They are taken apart
 *   where the later one begins a cell of a whole row (`isTorn`). Otherwise it is one row; one that cannot be used (its
 *   number of fields, a line break in the label) costs `mostLines` lines at most, and if its lines look like rows of
 *   their own, a note says so.
 *
 * Lines without a quote have nothing to parse and are split at the delimiter: 0.16 s of a processor for a million rows of
 * three cells, where csv-parse takes 0.9 s.
 */
import { parse } from "csv-parse/sync"
import { Array as Arr, Effect, Result, Stream } from "effect"
import type { Reading } from "../../pipeline/corrections.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import type { Header } from "../../pipeline/Header.ts"
import { columnsAsked, readHeader, rowsForHeader } from "../../pipeline/Header.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import { report } from "../../pipeline/Progress.ts"
import { malformed, readRow } from "../../pipeline/Row.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import { noHeader, noRows, pathUnder } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import { delimiters, detectDelimiter } from "./delimiter.ts"
import type { QuotesOfLine } from "./quotes.ts"
import { quotesOfLine } from "./quotes.ts"
import type { Source } from "./Source.ts"
import { textBytes } from "./textFile.ts"
import type { LineFault, Lines } from "./textLines.ts"
import { detach, faultDetail, isBlank, longest, makeLineSplitter } from "./textLines.ts"

/** How a cell ends that is open at the beginning of a line. */
type CellEnd =
  /** It and the row end with `line`; the row has so many delimiters from the asked line on. */
  | { readonly _tag: "Closed"; readonly line: number; readonly delimiters: number }
  /** A quote on `line` shows that the first one was stray. */
  | { readonly _tag: "Stray"; readonly line: number }
  /** There is no end in the file, or in so many characters. */
  | { readonly _tag: "NeverClosed" }
  | { readonly _tag: "TooLong" }
  /** More lines must come before it can be told. */
  | { readonly _tag: "Unknown" }

/** The lines that are there: their texts by number, and one more than the last number. */
interface LineWindow {
  /** None where the line is above the bound of a line. */
  readonly text: (line: number) => string | undefined
  readonly end: number
  /** Whether the file has no more of them. */
  readonly isComplete: boolean
}

/**
 * Finds where quoted cells end, with each line followed once: all lines that begin inside the same cell share what was
 * found for the first of them. (A file with an unclosed quote on every line would take quadratic time otherwise.)
 */
const makeCellEnds = (delimiter: string) => {
  /** Line of `sums[0]`; sums of delimiters and characters of the lines before each that was followed. */
  let start = 0
  let sums: Array<{ readonly delimiters: number; readonly characters: number }> = []
  let found: { readonly end: "closed" | "stray"; readonly line: number } | undefined

  const restart = (line: number) => {
    start = line
    sums = [{ delimiters: 0, characters: 0 }]
    found = undefined
  }

  /** How a cell ends that is open where `line` begins. */
  return (line: number, lines: LineWindow): CellEnd => {
    const isFollowed = line >= start && line < start + sums.length && (found === undefined || line <= found.line)
    if (!isFollowed) restart(line)
    // Lines before this one are read already, and are not asked for again.
    else if (line - start > sums.length / 2) {
      sums = sums.slice(line - start)
      start = line
    }
    const before = sums[line - start] ?? { delimiters: 0, characters: 0 }
    let last = sums.at(-1) ?? before
    while (found === undefined) {
      if (last.characters - before.characters > longest) return { _tag: "TooLong" }
      const at = start + sums.length - 1
      if (at >= lines.end) return lines.isComplete ? { _tag: "NeverClosed" } : { _tag: "Unknown" }
      const text = lines.text(at)
      const quotes = text === undefined ? undefined : quotesOfLine(text, delimiter, true)
      last = {
        delimiters: last.delimiters + (quotes?.delimiters ?? 0),
        characters: last.characters + (text?.length ?? 0) + 1
      }
      sums.push(last)
      if (quotes?.end !== "open") found = { end: quotes?.end ?? "stray", line: at }
    }
    if (found.end === "stray") return { _tag: "Stray", line: found.line }
    const after = sums[found.line - start + 1] ?? before
    if (after.characters - before.characters > longest) return { _tag: "TooLong" }
    return { _tag: "Closed", line: found.line, delimiters: after.delimiters - before.delimiters }
  }
}

/** Most lines that a row over several lines costs when it cannot be used; of a longer one, its first line is refused. */
export const mostLines = 100

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

const detached = (refusal: Refusal): Listed => Result.fail({ ...refusal, text: detach(refusal.text ?? "") })

/** The line of a spreadsheet program that names the delimiter: `sep=;`. */
const separatorLine = /^"?sep=([^"])"?$/i

/** What begins at a line: a row, or a line that is refused alone. */
type Found =
  | { readonly _tag: "Row"; readonly lines: number; readonly isExact: boolean }
  | { readonly _tag: "Refused"; readonly lines: number; readonly detail: string }

/** Reads rows from lines as they come; holds back what may go on in the next ones. */
interface CsvReader {
  /** The rows that these lines complete; `complete` says that there are no more. */
  readonly read: (lines: Lines, complete: boolean) => Result.Result<ReadonlyArray<Listed>, RowsError>
  /** What a person should know of the file, once it is read. */
  readonly notes: () => ReadonlyArray<string>
  /** How the lines are divided into cells, once the header is read. */
  readonly layout: () => { readonly delimiter: string; readonly header: Header | undefined }
}

/** Reads the rows of one file; see the head of this file. */
export const makeCsvReader = (file: string, config: Reading): CsvReader => {
  let delimiter = config.delimiter ?? ","
  /** Whether the delimiter is still to be found out. */
  let isOpen = config.delimiter === undefined
  let cellEnds = makeCellEnds(delimiter)
  /** Of the line after a cell's end, which is asked for before the rows in between are read. */
  let nextCellEnds = makeCellEnds(delimiter)
  const labels = new Map<string, string>()
  let header: Header | undefined
  /** Columns of which a row is made: a line break in one of them is malformed. */
  let needed: ReadonlySet<number> = new Set()
  let listed = 0
  let texts: ReadonlyArray<string> = []
  /** Whether `texts` is ours to grow, and not the splitter's. */
  let isOwn = false
  /** By number of the line. */
  const faults = new Map<number, LineFault>()
  /** Number of `texts[0]`, and how many of `texts` are read. */
  let first = 1
  let done = 0
  const tied: Array<{ readonly line: number; readonly last: number; readonly rows: number }> = []

  const divideAt = (character: string) => {
    delimiter = character
    cellEnds = makeCellEnds(delimiter)
    nextCellEnds = makeCellEnds(delimiter)
  }

  const linesNow = (complete: boolean) => ({
    text: (line: number) => (faults.get(line) === "tooLong" ? undefined : texts[line - first]),
    end: first + texts.length,
    isComplete: complete
  })

  const toRow = (header: Header, cells: ReadonlyArray<string>, line: number, text: string, lines = 1): Listed => {
    const listed = readRow(header, cells, line, text)
    if (Result.isFailure(listed)) {
      const refusal = listed.failure
      const detail = lines === 1 ? refusal.detail : `${refusal.detail} (lines ${line} to ${line + lines - 1})`
      return detached({ ...refusal, detail })
    }
    const row = listed.success
    let label = labels.get(row.label)
    if (label === undefined) {
      label = detach(row.label)
      labels.set(label, label)
    }
    return Result.succeed({ ...row, id: detach(row.id), label, image: detach(row.image) })
  }

  /** Takes in more lines, behind those that were held back. */
  const append = (lines: Lines) => {
    const held = first + texts.length
    for (const [index, fault] of lines.faults) faults.set(held + index, fault)
    if (done === texts.length) {
      first += done
      done = 0
      texts = lines.texts
      isOwn = false
      return
    }
    const own = isOwn ? (texts as Array<string>) : [...texts] // copied when the first of them was held back
    for (const text of lines.texts) own.push(text)
    texts = own
    isOwn = true
  }

  /** Lets go of lines that have been read, when they are worth the copying of the others. */
  const drop = (read: number) => {
    done = read
    if (done === texts.length || done < texts.length / 2) return
    first += done
    texts = texts.slice(done)
    isOwn = true
    done = 0
  }

  /** Of the line that a row was last looked for at: it may be long, and is asked for again whenever more lines come. */
  let asked: { readonly line: number; readonly quotes: QuotesOfLine } | undefined
  const quotesAt = (line: number): QuotesOfLine => {
    if (asked?.line !== line) asked = { line, quotes: quotesOfLine(texts[line - first] ?? "", delimiter, false) }
    return asked.quotes
  }

  /**
   * Whether the lines from `line` to `last`, which RFC 4180 takes for one row, are rather rows of their own behind an
   * unclosed quote on `line`; none where it takes more lines to tell.
   *
   * So they are where the quote on `last` begins a cell rather than ends one: read alone, `last` begins a row that is
   * whole. If the lines make one row that can be used, the line behind it must be none besides, as the rest of a cell.
   */
  const isTorn = (last: number, width: number, isUsable: boolean, complete: boolean): boolean | undefined => {
    const lines = linesNow(complete)
    const opening = quotesOfLine(texts[last - first] ?? "", delimiter, false)
    if (opening.end !== "open" || !opening.isExact) return false
    if (last + 1 >= lines.end) return complete ? false : undefined
    if (isUsable) {
      const text = texts[last + 1 - first] ?? ""
      const next = quotesOfLine(text, delimiter, false)
      if (isBlank(text) || (next.isExact && (next.end === "open" || next.delimiters + 1 === width))) return false
    }
    const end = nextCellEnds(last + 1, lines)
    if (end._tag === "Unknown") return undefined
    return end._tag === "Closed" && opening.delimiters + end.delimiters + 1 === width
  }

  const notClosed = (end: Exclude<CellEnd, { readonly _tag: "Closed" | "Unknown" }>): Found => {
    const why = {
      Stray: () => ` before the quote on line ${end._tag === "Stray" ? end.line : ""}, which belongs to another cell`,
      NeverClosed: () => "",
      TooLong: () => ` within ${longest / 2 ** 20} MiB`
    }[end._tag]()
    return { _tag: "Refused", lines: 1, detail: `a quote is opened and not closed${why}; only this line is refused` }
  }

  /** What the line at an index of `texts` begins, given that it has a quote; none where it takes more lines to tell. */
  const findAt = (index: number, complete: boolean): Found | undefined => {
    const line = first + index
    const quotes = quotesAt(line)
    if (quotes.end !== "open") return { _tag: "Row", lines: 1, isExact: quotes.isExact }
    const end = cellEnds(line + 1, linesNow(complete))
    if (end._tag === "Unknown") return undefined
    if (end._tag !== "Closed") return notClosed(end)
    const lines = end.line - line + 1
    const row: Found = { _tag: "Row", lines, isExact: quotes.isExact }
    if (header === undefined) return row
    const width = header.columns.length
    const fields = quotes.delimiters + end.delimiters + 1
    const isUsable = fields === width && !needed.has(quotes.delimiters)
    const torn = isTorn(end.line, width, isUsable, complete)
    if (torn === undefined) return undefined
    if (torn) return notClosed({ _tag: "Stray", line: end.line })
    if (isUsable || lines <= mostLines) return row
    return {
      _tag: "Refused",
      lines: 1,
      detail:
        `the quote that is opened here is closed on line ${end.line}, which makes ` +
        (fields === width
          ? `the column ${JSON.stringify(header.columns[quotes.delimiters])} ${count(lines)} lines long`
          : `${fields} fields instead of ${width}`) +
        "; only this line is refused"
    }
  }

  /** Remembers a row over several lines whose lines look like rows, which two stray quotes may have tied together. */
  const noteTied = (header: Header, line: number, lines: ReadonlyArray<string>) => {
    const between = lines.slice(1, -1).filter((text) => !isBlank(text))
    const rows = between.filter((text) => {
      const cells = text.split(delimiter)
      return cells.length === header.columns.length && labels.has((cells[header.label] ?? "").trim())
    })
    if (rows.length > 0 && rows.length >= 0.9 * between.length)
      tied.push({ line, last: line + lines.length - 1, rows: rows.length })
  }

  /** Reads the header, the first line that is not blank. Returns how many lines were read. */
  const start = (complete: boolean): Result.Result<number, RowsError> => {
    let at = texts.findIndex((text) => !isBlank(text))
    if (at < 0) return complete ? Result.fail(noHeader(file)) : Result.succeed(texts.length)
    const separator = separatorLine.exec(texts[at] ?? "")?.[1]
    if (separator !== undefined && at === 0 && first === 1) {
      divideAt(separator)
      isOpen = false
      at = texts.findIndex((text, index) => index > 0 && !isBlank(text))
      if (at < 0) return complete ? Result.fail(noHeader(file)) : Result.succeed(0)
    }
    // The rows below tell whether the header is one.
    if (!complete && texts.length - at <= rowsForHeader) return Result.succeed(0)
    const fault = faults.get(first + at)
    if (fault === "tooLong") return Result.fail(noLineBreaks(file, first + at))
    if (isOpen) divideAt(detectDelimiter(texts.slice(at, at + 1 + rowsForHeader), columnsAsked(config)))
    const found = findAt(at, complete)
    if (found === undefined) return Result.succeed(0)
    const lines = texts.slice(at, at + found.lines)
    if (lines.some((_, index) => faults.has(first + at + index))) return Result.fail(headerNotUtf8(file, first + at))
    const cells = found._tag === "Row" ? parseOne(lines.join("\n"), delimiter) : undefined
    if (cells === undefined) return Result.fail(headerNotClosed(file, first + at))
    const below = texts
      .slice(at + found.lines)
      .filter((text) => !isBlank(text))
      .slice(0, rowsForHeader)
      .map((text) => text.split(delimiter))
    return Result.map(readHeader(cells, { ...config, delimiter }, file, below), (read) => {
      header = read
      needed = new Set([
        read.id,
        read.label,
        ...(read.part === undefined ? [] : [read.part]),
        ...(read.time === undefined ? [] : [read.time]),
        ...(read.group?.columns ?? []),
        ...read.image.filter((part) => typeof part === "number")
      ])
      return at + found.lines
    })
  }

  /** Reads the rows that `texts` has whole. Returns how many lines were read. */
  const advance = (header: Header, complete: boolean, rows: Array<Listed>): number => {
    const withQuotes: Array<{
      readonly index: number
      readonly line: number
      readonly lines: number
      readonly text: string
    }> = []
    let at = done
    while (at < texts.length) {
      // The loop's condition says that there is one.
      const text = texts[at]!
      const line = first + at
      let lines = 1
      if (faults.size > 0 && faults.get(line) === "tooLong")
        rows.push(detached(malformed(line, text, faultDetail.tooLong)))
      else if (!text.includes('"')) {
        if (faults.size > 0 && faults.has(line)) rows.push(detached(malformed(line, text, faultDetail.notUtf8)))
        else if (!isBlank(text)) rows.push(toRow(header, text.split(delimiter), line, text))
      } else {
        const found = findAt(at, complete)
        if (found === undefined) break
        lines = found.lines
        const whole = lines === 1 ? text : texts.slice(at, at + lines).join("\n")
        const isBroken = faults.size > 0 && Array.from({ length: lines }, (_, n) => line + n).some((n) => faults.has(n))
        if (isBroken) rows.push(detached(malformed(line, whole, faultDetail.notUtf8)))
        else if (found._tag === "Refused") rows.push(detached(malformed(line, whole, found.detail)))
        else if (found.isExact) {
          if (lines > 2) noteTied(header, line, texts.slice(at, at + lines))
          withQuotes.push({ index: rows.length, line, lines, text: whole })
          rows.push(detached(malformed(line, whole, unreadableQuotes)))
        } else {
          // Rows that are not quite RFC 4180 are read alone, so that they cannot change how another one is read.
          const cells = quotesAt(line).isQuoted ? parseOne(whole, delimiter) : text.split(delimiter)
          rows.push(
            cells === undefined
              ? detached(malformed(line, whole, unreadableQuotes))
              : toRow(header, cells, line, whole, lines)
          )
        }
      }
      at += lines
    }
    const cells = parseMany(
      withQuotes.map(({ text }) => text),
      delimiter
    )
    withQuotes.forEach(({ index, line, lines, text }, n) => {
      const read = cells[n]
      if (read !== undefined) rows[index] = toRow(header, read, line, text, lines)
    })
    if (faults.size > 0) for (const line of faults.keys()) if (line < first + at) faults.delete(line)
    return at
  }

  return {
    read: (lines, complete) => {
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
    },
    layout: () => ({ delimiter, header }),
    notes: () => {
      const more = tied.length - 1
      const divided =
        isOpen && delimiter !== "," ? [`${file}: ${delimiters.get(delimiter) ?? ""} divide the cells`] : []
      const quoted = tied
        .slice(0, 1)
        .map(
          ({ last, line, rows }) =>
            `${file}: a quoted cell goes from line ${line} to line ${last}, and ${count(rows)} of its lines look like ` +
            `rows${more === 0 ? "" : ` (and so in ${count(more)} other rows)`}. If its quotes are stray, take them out.`
        )
      return [...divided, ...quoted]
    }
  }
}

const unreadableQuotes = "its quotes cannot be read"

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

const noLineBreaks = (file: string, line: number): RowsError =>
  new RowsError({
    file,
    reason: "unreadable",
    detail: `line ${line}, the header, has more than ${longest / 2 ** 20} MiB`,
    cure: "Expected a CSV with a line for each image; is this one, and does it have line breaks?"
  })

/**
 * The source `csv`, which reads `chunkBytes` bytes at a time: RFC 4180, UTF-8 with or without a byte order mark, LF or
 * CRLF. The delimiter is found out where `data.delimiter` is left out. Every line is accounted for; the head of this file says what becomes of a row that breaks RFC 4180. The line
 * `sep=;` of spreadsheet programs sets the delimiter.
 */
export const csvReading = (chunkBytes: number): Source => ({
  takes: () => true,
  read: (root, config) =>
    Stream.suspend(() => {
      const file = pathUnder(root, config.csv)
      const splitter = makeLineSplitter()
      const { notes, read } = makeCsvReader(file, config)
      const last = Effect.suspend(() => Effect.fromResult(read(splitter.end(), true))).pipe(
        Effect.tap(() => Effect.forEach(notes(), (line) => report({ _tag: "Note", line }), { discard: true }))
      )
      return textBytes(file, chunkBytes).pipe(
        Stream.mapEffect((bytes) => Effect.fromResult(read(splitter.push(bytes), false))),
        Stream.concat(Stream.fromEffect(last)),
        Stream.filter(Arr.isReadonlyArrayNonEmpty),
        Stream.flattenArray
      )
    })
})

/** CSV, for every file that no other source takes. */
export const csv: Source = csvReading(65_536)
