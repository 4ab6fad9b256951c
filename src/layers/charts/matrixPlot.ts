import type { MatrixChart } from "../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { characterWidth } from "./series.ts"

/** Up to so many classes, the counts stand in the cells. */
const countsUpTo = 16

/** Pixels of a cell: many classes make a chart that is still read, few one that does not fill the page. */
const cellOf = (classes: number) => (classes <= 6 ? 40 : classes <= countsUpTo ? 30 : classes <= 40 ? 17 : 12)

/** A share's opacity: rare confusions are seen, frequent ones still told apart. */
const opacityOf = (share: number) => 0.12 + 0.88 * Math.sqrt(share)

/** What is read on a cell: on a strong colour the page's own, else its ink. */
const inkOf = ({ share }: { readonly share: number }) => (share > 0.35 ? "var(--page)" : "var(--ink)")

/**
 * A confusion row by row as shares of the true class: what is right in one colour, what is wrong in another. Cells without
 * a count are left out; the others say their count when they are pointed at.
 */
export const matrixPlot = ({ counts, labels }: MatrixChart, Plot: Plot): Drawing => {
  const classes = labels.length
  const cell = cellOf(classes)
  // Two classes may bear one name once it is shortened, so that cells go by number.
  const names = labels.map((label) => (label.length > 22 ? `${label.slice(0, 21)}…` : label))
  const margin = Math.max(4, ...names.map((name) => name.length)) * characterWidth + 14
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
  const tickFormat = (i: number) => names[i] ?? ""
  return {
    legend: [],
    options: {
      width: margin + classes * cell + 14,
      height: margin + classes * cell + 14,
      marginTop: margin,
      marginLeft: margin,
      marginRight: 14,
      marginBottom: 14,
      padding: 0,
      x: { domain, axis: "top", label: null, tickFormat, tickRotate: -90, tickSize: 0 },
      y: { domain, label: null, tickFormat, tickSize: 0 },
      marks: [
        Plot.frame({ fill: "var(--panel)", stroke: "var(--line)" }),
        // A line through every fifth class leads the eye.
        ...domain
          .filter((i) => i % 5 === 0 && classes > countsUpTo)
          .flatMap((i) => [
            Plot.ruleY([i], { stroke: "var(--line)", strokeWidth: 0.75 }),
            Plot.ruleX([i], { stroke: "var(--line)", strokeWidth: 0.75 })
          ]),
        Plot.cell(cells, {
          x: "column",
          y: "row",
          fill: ({ column, row }: (typeof cells)[number]) => (row === column ? "var(--c0)" : "var(--c1)"),
          fillOpacity: ({ share }: (typeof cells)[number]) => opacityOf(share),
          inset: 0.5,
          title: "title"
        }),
        ...(classes <= countsUpTo
          ? [Plot.text(cells, { x: "column", y: "row", text: "count", fill: inkOf, pointerEvents: "none" })]
          : [])
      ]
    }
  }
}
