import type { StripChart } from "../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { formatOf } from "./markup.ts"
import { characterWidth, chartWidth } from "./series.ts"

const rowHeight = 26

/** Values of each row as dots, and a line at their median: half of the row's trials are on either side. */
export const stripPlot = ({ rows, x }: StripChart, Plot: Plot): Drawing => {
  const show = formatOf(x)
  const longest = Math.max(4, ...rows.map(({ label }) => label.length))
  const dots = rows.flatMap(({ dots, label }, row) => dots.map((dot) => ({ ...dot, row, label })))
  const domain = rows.map((_, i) => i)
  return {
    legend: [],
    options: {
      width: chartWidth,
      height: rows.length * rowHeight + 62,
      marginLeft: Math.min(190, longest * characterWidth + 14),
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
      // Two values may be written alike: rows go by number.
      y: { label: null, domain, tickSize: 0, tickFormat: (i: number) => rows[i]?.label ?? "" },
      marks: [
        Plot.tickX(dots, Plot.groupY({ x: "median" }, { x: "value", y: "row", stroke: "var(--c1)", strokeWidth: 2 })),
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
