import { escaped } from "../pipeline/escaped.ts"

/** The beginning of a cell that a spreadsheet reads as a formula. Source: OWASP, CSV Injection. */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Control characters but for the tab and line breaks, which CSV has a place for. */
const control = /[^\P{Cc}\t\r\n]/gu

/**
 * A text as a cell of a CSV that people open in a spreadsheet: an apostrophe stands before one that would be a formula,
 * which makes it text there. Numbers stay as they are.
 *
 * Control characters become visible, as \u001b: RFC 4180 allows none in a cell, quoted or not, and a terminal that the
 * file is shown on later (`cat`, `head`) would obey them. Whoever needs the exact text of such a name reads JSON.
 */
export const textCell = (text: string): string => {
  const shown = text.replace(control, escaped)
  return formula.test(shown) && !number.test(shown) ? `'${shown}` : shown
}
