import type { PlotOptions } from "@observablehq/plot"

/** Observable Plot, once it is loaded. */
export type Plot = typeof import("@observablehq/plot")

/** A chart as Plot draws it, and what its colours mean. */
export interface Drawing {
  readonly options: PlotOptions & { readonly width: number; readonly height: number }
  readonly legend: ReadonlyArray<LegendEntry>
}

/** A name and how its marks look. */
export interface LegendEntry {
  readonly name: string
  readonly colour: string
  readonly dash: string | undefined
}
