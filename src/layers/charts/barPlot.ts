import type { BarChart } from "../../run/report/Chart.ts"
import type { Drawing, Plot } from "./Drawing.ts"
import { formatOf } from "./markup.ts"
import { characterWidth, chartWidth, colourOf } from "./series.ts"

const rowHeight = 17

/** Bars of several parts, the first from the left edge. */
export const barPlot = (chart: BarChart, Plot: Plot): Drawing => {
  const { parts, rows, x } = chart
  const show = formatOf(x)
  const longest = Math.max(4, ...rows.map(({ label }) => label.length))
  const pieces = rows.flatMap(({ label, values }) =>
    values.map((value, i) => ({
      label,
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
      marginLeft: Math.min(170, longest * characterWidth + 12),
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
      y: { label: null, domain: rows.map(({ label }) => label), tickSize: 0 },
      marks: [Plot.barX(pieces, { x: "value", y: "label", fill: "colour", inset: 1.5, title: "title" })]
    }
  }
}
