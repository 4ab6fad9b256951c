import { elementAt } from "../pipeline/elementAt.ts"
import { visibleLine } from "../layers/terminal/visible.ts"

/** A bar of up to `width` blocks, in eighths of a block. */
export const bar = (share: number, width: number): string => {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8)
  return "█".repeat(eighths >> 3) + elementAt(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"], eighths & 7)
}

/**
 * Rows of cells in columns: numbers to the right, text to the left; the first row is the head. A cell is one line,
 * whatever its label or name contains.
 */
export const table = (given: ReadonlyArray<ReadonlyArray<string | number>>): string => {
  const rows = given.map((row) => row.map((cell) => (typeof cell === "number" ? cell : visibleLine(cell))))
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, j) => Math.max(...rows.map((row) => String(row[j] ?? "").length)))
  return rows
    .map((row) =>
      widths
        .map((width, j) => {
          const isNumber = rows
            .slice(1)
            .every((other) => typeof other[j] === "number" || /^[\d.]+( %)?$/.test(String(other[j])))
          const cell = String(row[j] ?? "")
          return isNumber ? cell.padStart(width) : cell.padEnd(width)
        })
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** A block of text under a heading. */
export const section = (heading: string, body: string): string => `\n${heading}\n${body}`
