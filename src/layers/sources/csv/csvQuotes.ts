const quoteCode = 34

/** What the quotes of one line do. */
export interface QuotesOfLine {
  /**
   * `closed`: the row ends with this line. `open`: a quoted cell goes on in the next one. `stray`: a cell that was open
   * at the line's beginning does not end as RFC 4180 wants, so that the quote that opened it was none.
   */
  readonly end: "closed" | "open" | "stray"
  /** Delimiters outside quoted cells. */
  readonly delimiters: number
  /** Whether a cell begins with a quote, or was open before. Without one, every quote is an ordinary character. */
  readonly isQuoted: boolean
  /** Whether the line is RFC 4180: no quote within an unquoted cell, and no text behind a closing quote. */
  readonly isExact: boolean
}

/**
 * Follows the quotes of a line, which may begin inside a quoted cell. RFC 4180, but for two things that exporters write
 * on single lines: a quote in the middle of an unquoted cell is an ordinary character (14" screen), and text may follow a
 * closing quote. On a line that begins inside a quoted cell neither is allowed.
 *
 * Takes time that is linear in the line's length.
 */
export const quotesOfLine = (line: string, delimiter: string, isInside: boolean): QuotesOfLine => {
  let inside = isInside
  let isQuoted = isInside
  let isExact = true
  let delimiters = 0
  let at = 0
  /** The next quote at `at` or behind it. */
  let quote = line.indexOf('"')
  for (;;) {
    if (quote >= 0 && quote < at) quote = line.indexOf('"', at)
    if (!inside && quote === at) {
      inside = true
      isQuoted = true
      at += 1
      quote = line.indexOf('"', at)
    }
    if (inside) {
      while (quote >= 0 && line.charCodeAt(quote + 1) === quoteCode) quote = line.indexOf('"', quote + 2)
      if (quote < 0) return { end: "open", delimiters, isQuoted, isExact }
      inside = false
      at = quote + 1
      if (at < line.length && !line.startsWith(delimiter, at)) isExact = false
      quote = line.indexOf('"', at)
    }
    const next = line.indexOf(delimiter, at)
    if (quote >= 0 && (next < 0 || quote < next)) isExact = false
    if (isInside && !isExact) return { end: "stray", delimiters, isQuoted, isExact }
    if (next < 0) return { end: "closed", delimiters, isQuoted, isExact }
    delimiters += 1
    at = next + delimiter.length
  }
}

/** How a cell ends that is open at the beginning of a line. */
export type CellEnd =
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
export interface LineWindow {
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
export const makeCellEnds = (delimiter: string, longest: number) => {
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
