import { Effect, Layer } from "effect"
import type { Chart } from "../../run/report/Chart.ts"
import { Charts } from "../../run/report/Charts.ts"
import type { Look } from "../../run/report/Charts.ts"
import { barPlot } from "./charts/barPlot.ts"
import { legend } from "./charts/legend.ts"
import { matrixPlot } from "./charts/matrixPlot.ts"
import type { Drawing, Plot } from "./charts/Drawing.ts"
import { linePlot } from "./charts/linePlot.ts"
import { stripPlot } from "./charts/stripPlot.ts"
import { attributesRounded, coloursFixed } from "./charts/markup.ts"

const drawing = (chart: Chart, Plot: Plot): Drawing => {
  switch (chart.kind) {
    case "lines":
      return linePlot(chart, Plot)
    case "bars":
      return barPlot(chart, Plot)
    case "matrix":
      return matrixPlot(chart, Plot)
    case "strip":
      return stripPlot(chart, Plot)
  }
}

/**
 * Charts by Observable Plot, on linkedom in the place of a browser's document.
 *
 * Why Plot: its marks take CSS variables as colours, so that one SVG follows light and dark, and a `title` for each mark,
 * which every browser shows on hovering without a script; axes and ticks need no work. ECharts also renders without a
 * browser, but has neither, and 67 MB to Plot's and linkedom's 16; Vega-Lite brings an expression interpreter and 25
 * packages more; of D3's modules alone, axes and marks would be ours to keep.
 *
 * Both are loaded with the first chart: what draws none starts without them.
 */
export const layer = Layer.effect(
  Charts,
  Effect.gen(function* () {
    const loaded = yield* Effect.cached(
      Effect.promise(async () => {
        const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")])
        return { Plot, document: parseHTML("<!doctype html><html></html>").document }
      })
    )
    return {
      svg: Effect.fn("Charts.svg")(function* (chart: Chart, look: Look) {
        const { Plot, document } = yield* loaded
        const { legend: names, options } = drawing(chart, Plot)
        const key = legend(names, options.width)
        const figure = Plot.plot({
          ...options,
          style: { fontSize: "12px" },
          className: "chart",
          ariaLabel: chart.title,
          document
        })
        figure.querySelector("style")?.remove()
        figure.setAttribute("xmlns", "http://www.w3.org/2000/svg")
        figure.setAttribute("role", "img")
        // The legend stands above what Plot has laid out.
        figure.setAttribute("height", String(options.height + key.height))
        figure.setAttribute("viewBox", `0 ${-key.height} ${options.width} ${options.height + key.height}`)
        const markup = attributesRounded(figure.outerHTML.replace(/<\/svg>$/, () => `${key.markup}</svg>`))
        return look.for === "page" ? markup : coloursFixed(markup)
      })
    }
  })
)
