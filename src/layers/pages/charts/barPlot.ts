import type { BarChart } from "../../../run/report/Chart.ts"
import { formatOf, mostBars } from "../../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { chartWidth, colourOf } from "./series.ts"
import { fitted, textWidth } from "./textWidth.ts"

const rowHeight = 17

/** Pixels of a row's label, at most. */
const longest = 158

/** Bars of several parts, the first from the left edge. */
export const barPlot = (chart: BarChart, Plot: Plot): Drawing => {
  const { parts, x } = chart
  const rows = chart.rows.slice(0, mostBars)
  const show = formatOf(x)
  // Two classes may have the same name once it is shortened, so that rows are keyed by number.
  const names = rows.map(({ label }) => fitted(label, longest))
  const pieces = rows.flatMap(({ label, values }, row) =>
    values.map((value, i) => ({
      row,
      value,
      colour: colourOf(i),
      title: `${label}, ${parts[i] ?? ""}: ${show(value)}`
    }))
  )
  return {
    legend: parts.length > 1 ? parts.map((name, i) => ({ name, colour: colourOf(i), dash: undefined })) : [],
    options: {
      width: chartWidth,
      height: rows.length * rowHeight + 60,
      marginLeft: Math.max(26, ...names.map(textWidth)) + 12,
      marginRight: 24,
      marginTop: 42,
      x: {
        label: x.label,
        labelArrow: "none",
        labelAnchor: "center",
        labelOffset: 36,
        axis: "top",
        grid: true,
        ticks: 5,
        tickFormat: show
      },
      y: { label: null, domain: rows.map((_, row) => row), tickSize: 0, tickFormat: (row: number) => names[row] ?? "" },
      marks: [Plot.barX(pieces, { x: "value", y: "row", fill: "colour", inset: 1.5, title: "title" })]
    }
  }
}
