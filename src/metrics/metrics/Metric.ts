import type { Measurement } from "../Evaluation.ts"
import type { MultilabelMeasurement } from "../multilabel.ts"
import type { TestReport } from "../Report.ts"
import type { ClassScore, Counts } from "../scores.ts"

/** Where a metric is shown to people, beside its number in `report.json`. */
export type Place = "summary" | "page" | "modelCard" | "comparison"

/** Shown wherever metrics are. */
export const everywhere: ReadonlyArray<Place> = ["summary", "page", "modelCard", "comparison"]

/**
 * How `report.json` has a metric: always as a number; as a number, or null where it does not exist; or so and in new
 * reports only. A new metric is `added`, so that reports of earlier versions can still be read. `several`: only of a
 * label column with several values.
 */
export type Presence = "number" | "nullable" | "added" | "several"

/** What metrics of predictions are computed from. */
export interface Found extends Measurement {
  readonly counts: Counts
  /** Computes a value that several metrics need only once. */
  readonly once: <A>(compute: (found: Measurement) => A) => A
}

/** What metrics of a label column with several values are computed from. */
export interface FoundSeveral extends MultilabelMeasurement {
  readonly perClass: ReadonlyArray<ClassScore>
  /** Of each class; null where no sample has it, and for all where a probability is not a number. */
  readonly averagePrecisions: () => ReadonlyArray<number | null>
}

/** The metric's 95 % confidence interval, on other samples of the same kind. */
export type IntervalMethod =
  /** It is a share of the samples: Wilson's interval. */
  | { readonly method: "Wilson" }
  /**
   * By how much the metric changes with one sample more of class `row` that is predicted as class `column`: its
   * derivatives with respect to the counts. See `scoreIntervals`.
   */
  | {
      readonly method: "delta method"
      readonly slopeAt: (counts: Counts) => (row: number, column: number) => number
    }

type Value<P extends Presence> = P extends "number" ? number : number | null

interface Facts<Path extends string, P extends Presence> {
  /** Its place in `report.json` below `test`; with a dot where it is one of a group. */
  readonly path: Path
  readonly presence: P
  readonly title: string
  /** For heads of narrow columns; the title where there is none. */
  readonly head?: string
  /** What it measures, in one sentence without a full stop. */
  readonly meaning: string
  /** Where its formula comes from. */
  readonly source: string
  /** The least and the greatest value. */
  readonly range: readonly [number, number]
  readonly better: "higher" | "lower"
  /** A share is shown in percent. */
  readonly unit: "%" | "nats" | ""
  readonly decimals: number
  readonly shown: ReadonlyArray<Place>
  /** Its value in a label column with several values; null where left out. Of a `number`, a number. */
  readonly several?: (found: FoundSeveral) => Value<P>
  /** A note that some reports need beside the number. */
  readonly note?: (test: TestReport) => string | undefined
  /** Its name in Hugging Face's metadata of a model. */
  readonly huggingFace?: string
}

/** A metric that the confusion alone determines. */
export interface CountMetric<Path extends string = string, P extends Presence = Presence> extends Facts<Path, P> {
  readonly of: "counts"
  readonly value: (counts: Counts) => Value<P>
  readonly interval?: IntervalMethod
}

/** A metric that needs the logits of every sample. */
export interface PredictionMetric<
  Path extends string = string,
  P extends Exclude<Presence, "number"> = Exclude<Presence, "number">
> extends Facts<Path, P> {
  readonly of: "predictions"
  readonly value: (found: Found) => number | null
  /** Its derivatives with respect to the counts do not exist. */
  readonly interval?: Extract<IntervalMethod, { method: "Wilson" }>
}

/** A metric with all its facts. A new one is a file beside this one, and a line in `metrics.ts`. */
export type Metric = CountMetric | PredictionMetric
