/** The beginning of a cell that a spreadsheet reads as a formula. Source: OWASP, CSV Injection. */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/**
 * A text as a cell of a CSV that people open in a spreadsheet: an apostrophe stands before one that would be a formula,
 * which makes it text there. Numbers stay as they are.
 */
export const textCell = (text: string): string => (formula.test(text) && !number.test(text) ? `'${text}` : text)
