/** How far ahead the end of a quoted cell is looked for; what is longer is a stray quote. Lines, and characters. */
const longest = { lines: 1000, characters: 1_048_576 }

/**
 * Where the quotes of a line leave it: `closed` (the record ends here), `open` (a quoted cell goes on below), or `stray`
 * (a cell that began above ends with a quote in the middle of text, so that its first quote was none).
 *
 * RFC 4180; a quote in the middle of an unquoted cell is an ordinary character (14" screen).
 */
const quotesOf = (line: string, delimiter: string, goesOn: boolean): "closed" | "open" | "stray" => {
  let inside = goesOn
  let at = 0
  for (;;) {
    if (!inside && line.startsWith('"', at)) {
      inside = true
      at += 1
    }
    if (inside) {
      const quote = line.indexOf('"', at)
      if (quote < 0) return "open"
      if (line.startsWith('"', quote + 1)) {
        at = quote + 2
        continue
      }
      inside = false
      at = quote + 1
      if (at < line.length && !line.startsWith(delimiter, at) && goesOn) return "stray"
    }
    const next = line.indexOf(delimiter, at)
    if (next < 0) return "closed"
    at = next + delimiter.length
  }
}

/**
 * How many lines the record at `from` takes: 1 as a rule, more where a quoted cell has line breaks, 0 where a quote is
 * opened and never closed, none where it takes more lines to tell (`complete` says that there are no more).
 */
export const linesOfRecord = (
  lines: ReadonlyArray<string>,
  from: number,
  delimiter: string,
  complete: boolean
): number | undefined => {
  let characters = 0
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? ""
    const quotes = quotesOf(line, delimiter, at > from)
    if (quotes === "closed") return at - from + 1
    characters += line.length
    if (quotes === "stray" || at - from + 1 >= longest.lines || characters > longest.characters) return 0
  }
  return complete ? 0 : undefined
}

/**
 * Whether the lines of a record are rather rows of their own, which two stray quotes tied together: three lines or more,
 * each with the right number of fields when its quotes are taken for ordinary characters.
 */
export const areRowsAlone = (lines: ReadonlyArray<string>, delimiter: string, fields: number): boolean =>
  lines.length >= 3 && lines.every((line) => line.split(delimiter).length === fields)
