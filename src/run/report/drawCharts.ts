import { Effect } from "effect"
import type { Chart } from "./Chart.ts"
import { Charts } from "./Charts.ts"

/** A chart, and how a page shows it. */
export interface DrawnChart {
  readonly chart: Chart
  readonly svg: string
}

/** Draws a page's charts, by their names. */
export const drawCharts = Effect.fn("drawCharts")(function* (all: ReadonlyMap<string, Chart>) {
  const charts = yield* Charts
  const drawn = new Map<string, DrawnChart>()
  for (const [name, chart] of all) drawn.set(name, { chart, svg: yield* charts.svg(chart, { for: "page" }) })
  return drawn
})
