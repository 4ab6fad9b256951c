import { visible, visibleLine } from "./visible.ts"

/** The parts of a terminal that `Screen` uses. */
export interface Terminal {
  readonly write: (text: string) => void
  /** The terminal's present size. */
  readonly size: () => { readonly columns: number; readonly rows: number }
}

/** How many rows of the terminal lines take: one that is longer than its width goes on in the next. */
const rowsOf = (lines: ReadonlyArray<string>, columns: number) =>
  lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0)

/**
 * Lines at the bottom of a terminal that are drawn over themselves, and lines above them that stay.
 *
 * The cursor rests at the end of the last line. The lines must not be longer than the terminal is wide. A terminal that
 * is made narrower afterwards breaks them, which `rowsOf` accounts for. Control characters in them are escaped.
 */
export const makeScreen = ({ size, write }: Terminal) => {
  let drawn: ReadonlyArray<string> = []
  const erase = () => {
    if (drawn.length === 0) return ""
    const up = rowsOf(drawn, size().columns) - 1
    return `\r${up > 0 ? `\u001b[${up}A` : ""}\u001b[J`
  }
  const draw = (lines: ReadonlyArray<string>) => {
    const below = lines.map(visibleLine)
    write(erase() + below.join("\n"))
    drawn = below
  }
  return {
    draw,
    /** Writes a line for good, and draws others below it. */
    say: (text: string, lines: ReadonlyArray<string>) => {
      const below = lines.map(visibleLine)
      write(`${erase()}${visible(text)}\n${below.join("\n")}`)
      drawn = below
    },
    clear: () => draw([])
  }
}
