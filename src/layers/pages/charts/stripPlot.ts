import type { StripChart } from "../../../run/report/Chart.ts"
import { formatOf } from "../../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { chartWidth } from "./series.ts"
import { fitted, textWidth } from "./textWidth.ts"

const rowHeight = 26

/** Pixels of a row's label, at most. */
const longest = 176

/**
 * Values of each row as dots, and a line at their median: half of the row's trials are on either side. Where a row has a
 * mean, that and its interval instead.
 */
export const stripPlot = ({ rows, x }: StripChart, Plot: Plot): Drawing => {
  const show = formatOf(x)
  const names = rows.map(({ label }) => fitted(label, longest))
  const dots = rows.flatMap(({ dots, label }, row) => dots.map((dot) => ({ ...dot, row, label })))
  const means = rows.flatMap(({ mean }, row) => (mean === undefined ? [] : [{ ...mean, row }]))
  const medians = dots.filter(({ row }) => rows[row]?.mean === undefined)
  const domain = rows.map((_, i) => i)
  return {
    legend: [],
    options: {
      width: chartWidth,
      height: rows.length * rowHeight + 62,
      marginLeft: Math.max(26, ...names.map(textWidth)) + 14,
      marginRight: 24,
      marginBottom: 40,
      x: {
        label: x.label,
        labelAnchor: "center",
        labelArrow: "none",
        nice: true,
        grid: true,
        ticks: 5,
        tickFormat: show
      },
      // Two values may be written alike, so that rows are keyed by number.
      y: { label: null, domain, tickSize: 0, tickFormat: (i: number) => names[i] ?? "" },
      marks: [
        Plot.ruleY(means, { x1: "low", x2: "high", y: "row", stroke: "var(--c1)", strokeWidth: 2 }),
        Plot.tickX(means, { x: "value", y: "row", stroke: "var(--c1)", strokeWidth: 2 }),
        Plot.tickX(
          medians,
          Plot.groupY({ x: "median" }, { x: "value", y: "row", stroke: "var(--c1)", strokeWidth: 2 })
        ),
        Plot.dot(dots, {
          x: "value",
          y: "row",
          fill: "var(--c0)",
          fillOpacity: 0.6,
          r: 4,
          title: ({ name, value }: (typeof dots)[number]) => `${name}: ${show(value)}`
        })
      ]
    }
  }
}
