import { escape } from "../../../run/report/html.ts"
import type { LegendEntry } from "./Drawing.ts"
import { fitted, textWidth } from "./textWidth.ts"

const lineHeight = 18
/** Before a name: the sample of its colour. */
const swatch = 20
const gap = 14
/** Free room before the chart begins. */
const below = 6
/** Pixels of a name, at most. */
const longest = 300

/** Names in lines at the top of a chart, inside the SVG: a chart that is a file of its own keeps them. */
export const legend = (
  entries: ReadonlyArray<LegendEntry>,
  width: number
): { readonly markup: string; readonly height: number } => {
  let x = 0
  let y = 0
  const parts = entries.map(({ colour, dash, name }) => {
    const text = fitted(name, Math.min(longest, width - swatch))
    const size = swatch + textWidth(text) + gap
    if (x > 0 && x + size - gap > width) {
      x = 0
      y += lineHeight
    }
    const at = x
    x += size
    const dashes = dash === undefined ? "" : ` stroke-dasharray="${dash}"`
    return (
      `<line x1="${at}" x2="${at + swatch - 6}" y1="${y + 9}" y2="${y + 9}" stroke="${colour}" stroke-width="3"${dashes}/>` +
      `<text x="${at + swatch}" y="${y + 13}" text-anchor="start">${escape(text)}</text>`
    )
  })
  if (parts.length === 0) return { markup: "", height: 0 }
  const height = y + lineHeight + below
  return { markup: `<g fill="currentColor" transform="translate(0,${-height})">${parts.join("")}</g>`, height }
}
