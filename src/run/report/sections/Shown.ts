import type { DrawnChart } from "../drawCharts.ts"
import type { Html } from "../html.ts"
import type { RunAnalysis } from "../RunAnalysis.ts"
import type { RunFacts } from "../RunFacts.ts"

/** What the sections of a page are made of. */
export interface Shown {
  /** Which part of the catalogue the figures are of. */
  readonly part: "train" | "validation" | "test"
  readonly facts: RunFacts
  readonly analysis: RunAnalysis
  /** By their names. */
  readonly charts: ReadonlyMap<string, DrawnChart>
  /** `data:` addresses of pictures, by the sample's file. */
  readonly pictures: ReadonlyMap<string, string>
  /** Whether pictures were looked for and none was found: said once, not at each. */
  readonly noPictures: boolean
}

/** A section's contents; nothing where there is nothing to say. */
export type Contents = (shown: Shown) => Html | undefined
