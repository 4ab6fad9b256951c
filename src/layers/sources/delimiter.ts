import { quotesOfLine } from "./quotes.ts"

/** The delimiters that are looked for, and what several of them are called. */
export const delimiters: ReadonlyMap<string, string> = new Map([
  [",", "commas"],
  [";", "semicolons"],
  ["\t", "tabs"],
  ["|", "vertical bars"]
])

/** Records that are looked at. */
const mostRecords = 20

/** How many cells each of the first records has, quotes respected; a record that is not whole is not counted. */
const widthsOf = (lines: ReadonlyArray<string>, delimiter: string): ReadonlyArray<number> => {
  const widths: Array<number> = []
  let isInside = false
  let cells = 1
  for (const line of lines) {
    if (widths.length === mostRecords) break
    if (!isInside && line.trim() === "") continue
    const quotes = quotesOfLine(line, delimiter, isInside)
    cells += quotes.delimiters
    isInside = quotes.end === "open"
    if (isInside) continue
    widths.push(cells)
    cells = 1
  }
  return widths
}

/** The names in a header, as a delimiter divides it. */
const namesOf = (header: string, delimiter: string): ReadonlySet<string> =>
  new Set(
    header.split(delimiter).map((name) =>
      name
        .trim()
        .replace(/^"(.*)"$/, "$1")
        .trim()
    )
  )

/**
 * The delimiter of a CSV by its header and its first rows: the one that gives the most of the columns that are asked for;
 * of several, the one that divides the most rows as it divides the header, and then into the most cells. A comma where
 * none divides the header.
 */
export const detectDelimiter = (lines: ReadonlyArray<string>, wanted: ReadonlyArray<string>): string => {
  const header = lines.find((line) => line.trim() !== "") ?? ""
  const judged = [...delimiters.keys()].map((delimiter) => {
    const [width = 1, ...widths] = widthsOf(lines, delimiter)
    const names = namesOf(header, delimiter)
    return {
      delimiter,
      width,
      found: wanted.filter((name) => names.has(name)).length,
      alike: widths.length === 0 ? 1 : widths.filter((one) => one === width).length / widths.length
    }
  })
  const [best] = judged
    .filter(({ width }) => width > 1)
    .toSorted((a, b) => b.found - a.found || b.alike - a.alike || b.width - a.width)
  return best?.delimiter ?? ","
}
