const quoteCode = 34

/** The state of the quotes at the end of a line. */
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
