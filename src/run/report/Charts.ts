import { Context, Effect, Layer } from "effect"
import type { Chart } from "./Chart.ts"
import { html } from "./html.ts"

/** The medium of a chart, which decides its colours. */
export interface Look {
  /** `page`: colours are the page's variables, so that they follow light and dark; `paper`: fixed colours on white. */
  readonly for: "page" | "paper"
}

/** Draws charts. */
export class Charts extends Context.Service<
  Charts,
  {
    /** An SVG document of its own: no script, nothing from outside, text escaped. */
    readonly svg: (chart: Chart, look: Look) => Effect.Effect<string>
  }
>()("weft/run/report/Charts") {
  /** A chart's title alone, for tests. */
  static readonly layerTitles = Layer.succeed(Charts, {
    svg: ({ title }) =>
      Effect.succeed(html`<svg xmlns="http://www.w3.org/2000/svg"><title>${title}</title></svg>`.markup)
  })
}
