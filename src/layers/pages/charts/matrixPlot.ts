import type { MatrixChart } from "../../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { fitted, textWidth } from "./textWidth.ts"

/** Up to so many classes, the counts stand in the cells. */
const countsUpTo = 16

/** Pixels of a cell: many classes make a chart that is still read, few one that does not fill the page. */
const cellOf = (classes: number) => (classes <= 6 ? 40 : classes <= countsUpTo ? 30 : classes <= 40 ? 17 : 12)

const rowsTitle = "true class"
const columnsTitle = "predicted class"

/** Pixels of a class's name, at most. */
const longest = 150

/** For an axis's title, beside the names. */
const titleRoom = 20

/** The strongest colour of a cell in which a count stands: ink on it has a contrast of 4.5, in light and dark. */
export const strongestBehindText = 0.5

/** A share's opacity: rare confusions are seen, frequent ones still told apart. */
const opacityOf = (share: number, strongest: number) => 0.12 + (strongest - 0.12) * Math.sqrt(share)

/**
 * A confusion row by row as shares of the true class: what is right in one colour, what is wrong in another. Cells without
 * a count are left out; the others say their count when they are pointed at, and a table beside the chart says it to all.
 */
export const matrixPlot = ({ counts, labels }: MatrixChart, Plot: Plot): Drawing => {
  const classes = labels.length
  const cell = cellOf(classes)
  // Two classes may bear one name once it is shortened, so that cells go by number.
  const names = labels.map((label) => fitted(label, longest))
  const isCounted = classes <= countsUpTo
  const margin = Math.ceil(Math.max(26, ...names.map(textWidth))) + 16 + titleRoom
  // The title of the columns stands above few of them, too.
  const width = margin + Math.max(classes * cell, Math.ceil(textWidth(columnsTitle))) + 14
  const insetRight = width - margin - classes * cell
  const cells = counts.flatMap((row, i) => {
    const support = row.reduce((sum, count) => sum + count, 0)
    return row.flatMap((count, j) =>
      count === 0
        ? []
        : [
            {
              row: i,
              column: j,
              count,
              share: count / support,
              title:
                (i === j ? `${labels[i]}: right ` : `${labels[i]} taken for ${labels[j]}: `) +
                `${count} of ${support} (${((100 * count) / support).toFixed(1)} %)`
            }
          ]
    )
  })
  const domain = labels.map((_, i) => i)
  const axis = {
    domain,
    tickFormat: (i: number) => names[i] ?? "",
    tickSize: 0,
    labelAnchor: "center",
    labelArrow: "none",
    labelOffset: margin - 4
  } as const
  return {
    legend: [],
    options: {
      width,
      height: margin + classes * cell + 14,
      marginTop: margin,
      marginLeft: margin,
      marginRight: insetRight,
      marginBottom: 14,
      padding: 0,
      x: { ...axis, axis: "top", label: columnsTitle, tickRotate: -90 },
      y: { ...axis, label: rowsTitle },
      marks: [
        Plot.frame({ fill: "var(--panel)", stroke: "var(--line)" }),
        // A line through every fifth class leads the eye.
        ...domain
          .filter((i) => i % 5 === 0 && !isCounted)
          .flatMap((i) => [
            Plot.ruleY([i], { stroke: "var(--line)", strokeWidth: 0.75 }),
            Plot.ruleX([i], { stroke: "var(--line)", strokeWidth: 0.75 })
          ]),
        Plot.cell(cells, {
          x: "column",
          y: "row",
          fill: ({ column, row }: (typeof cells)[number]) => (row === column ? "var(--c0)" : "var(--c1)"),
          fillOpacity: ({ share }: (typeof cells)[number]) => opacityOf(share, isCounted ? strongestBehindText : 1),
          inset: 0.5,
          title: "title"
        }),
        ...(isCounted
          ? [Plot.text(cells, { x: "column", y: "row", text: "count", fill: "var(--ink)", pointerEvents: "none" })]
          : [])
      ]
    }
  }
}
