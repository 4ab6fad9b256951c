import type { DrawnChart } from "../drawCharts.ts"
import type { FirstBatch } from "../firstBatch.ts"
import type { Html } from "../html.ts"
import type { Occlusion } from "../occlusion.ts"
import type { ColumnAnalysis } from "../RunAnalysis.ts"
import type { RunFacts } from "../RunFacts.ts"

/** The data that the sections of a page are rendered from. */
export interface Shown {
  /** The part of the catalogue that the metrics are of. */
  readonly part: "train" | "validation" | "test"
  readonly facts: RunFacts
  /** Of a run with several label columns, each column's sections have that column's facts and analysis. */
  readonly analysis: ColumnAnalysis
  /** By their names. */
  readonly charts: ReadonlyMap<string, DrawnChart>
  /** `data:` addresses of pictures, by the sample's file. */
  readonly pictures: ReadonlyMap<string, string>
  /** Whether no picture was found: the page has one note, and none at each photo. */
  readonly noPictures: boolean
  /** What the network was given first; undefined where the run did not keep it. */
  readonly firstBatch: FirstBatch | undefined
  /** Where the network looked; undefined where the run did not keep it. */
  readonly occlusion: Occlusion | undefined
}

/** Renders a section; undefined where it would be empty. */
export type Contents = (shown: Shown) => Html | undefined
