import type { MatrixChart } from "../../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { fitted, textWidth } from "./textWidth.ts"

/** The most classes for which the counts are written in the cells. */
const countsUpTo = 16

/** A cell's side in pixels: many classes still make a readable chart, and few do not fill the page. */
const cellOf = (classes: number) => (classes <= 6 ? 40 : classes <= countsUpTo ? 30 : classes <= 40 ? 17 : 12)

const rowsTitle = "true class"
const columnsTitle = "predicted class"

/** Pixels of a class's name, at most. */
const longest = 150

/** For an axis's title, beside the names. */
const titleRoom = 20

/** The strongest opacity of a cell with a count in it: ink on it has a contrast of 4.5, in light and dark. */
export const strongestBehindText = 0.5

/** A share's opacity: rare confusions are visible, and frequent ones still differ. */
const opacityOf = (share: number, strongest: number) => 0.12 + (strongest - 0.12) * Math.sqrt(share)

/**
 * A confusion matrix, row by row as shares of the true class: right predictions in one colour, wrong ones in another.
 * Cells without a count are left out. The others show their count on hovering; a table beside the chart has all counts.
 */
export const matrixPlot = ({ counts, labels }: MatrixChart, Plot: Plot): Drawing => {
  const classes = labels.length
  const cell = cellOf(classes)
  // Two classes may have the same name once it is shortened, so that cells are keyed by number.
  const names = labels.map((label) => fitted(label, longest))
  const isCounted = classes <= countsUpTo
  const margin = Math.ceil(Math.max(26, ...names.map(textWidth))) + 16 + titleRoom
  // The columns' title needs its room even above few columns.
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
        // A line at every fifth class guides the eye.
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
