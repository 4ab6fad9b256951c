import { elementAt } from "../pipeline/elementAt.ts"

/** A point of a curve; x is above 0. */
export interface Point {
  readonly x: number
  readonly y: number
}

const place = (value: number, from: number, to: number, cells: number): number =>
  to === from ? 0 : Math.round(((value - from) / (to - from)) * (cells - 1))

/** Powers of ten that label an axis, at their columns, as many as fit with a space between them. */
const ticks = (low: number, high: number, cells: number): string => {
  const rounding = 1e-9 // an end that should be a power of ten may lie beside it
  let line = ""
  for (let power = Math.ceil(low - rounding); power <= high + rounding; power++) {
    const label = power >= -2 && power <= 3 ? String(Number((10 ** power).toFixed(2))) : `1e${power}`
    const at = place(power, low, high, cells)
    if ((line === "" || at > line.length) && at + label.length <= cells) line = line.padEnd(at) + label
  }
  return line
}

/**
 * A curve as lines of text, no wider than `width`, with `height` lines for the curve: y to the left, powers of ten of x
 * below, and an arrow below each marked x. Points are in the order of their x; there must be one at least.
 */
export const logPlot = (
  points: ReadonlyArray<Point>,
  marks: ReadonlyArray<number>,
  { height, width }: { readonly height: number; readonly width: number }
): string => {
  const placed = points.map(({ x, y }) => ({ x: Math.log10(x), y }))
  const xs = placed.map(({ x }) => x)
  const ys = points.map(({ y }) => y)
  const [left, right] = [Math.min(...xs), Math.max(...xs)]
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)]
  const labels = Array.from({ length: height }, (_, row) =>
    row === 0 ? top.toFixed(2) : row === height - 1 ? bottom.toFixed(2) : ""
  )
  const margin = Math.max(...labels.map(({ length }) => length))
  const cells = Math.max(1, width - margin - 2)
  const grid = Array.from({ length: height }, () => Array.from({ length: cells }, () => " "))
  for (const { x, y } of placed) {
    const row = elementAt(grid, height - 1 - place(y, bottom, top, height))
    row[place(x, left, right, cells)] = "•"
  }
  const arrows = Array.from({ length: cells }, () => " ")
  for (const mark of marks) arrows[Math.min(cells - 1, place(Math.log10(mark), left, right, cells))] = "▲"
  const under = (text: string) => `${" ".repeat(margin + 2)}${text}`.trimEnd()
  return [
    ...grid.map((row, i) => `${elementAt(labels, i).padStart(margin)} │${row.join("")}`.trimEnd()),
    `${" ".repeat(margin)} └${"─".repeat(cells)}`,
    ...(marks.length === 0 ? [] : [under(arrows.join(""))]),
    under(ticks(left, right, cells))
  ].join("\n")
}
