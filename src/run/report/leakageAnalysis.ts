import { fromRows } from "../../metrics/Confusion.ts"
import { testReport } from "../../metrics/Report.ts"
import type { Interval } from "../../metrics/wilson.ts"
import { wilson } from "../../metrics/wilson.ts"
import { scoreIntervals } from "../../metrics/scoreIntervals.ts"
import { valueIn } from "../../metrics/metrics.ts"
import { metricsOf } from "../../model/measure.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import type { Leakage, Shared, ShownRow } from "../../pipeline/leakage.ts"
import type { RunFacts } from "./RunFacts.ts"

/** Metrics of some of the test photos, with what they lie within at 95 %. */
export interface Measured {
  readonly samples: number
  readonly accuracy: number
  /** Wilson's. */
  readonly accuracyInterval: Interval | null
  readonly weightedF1: number
  /** By the delta method. */
  readonly weightedF1Interval: Interval | null
}

/** What the test part shares with the training part, and the metrics with and without it. */
export interface LeakageAnalysis {
  readonly found: Leakage
  readonly all: Measured | null
  /** Of each kind: the test photos that share it, and the others. */
  readonly shared: ReadonlyArray<{
    readonly of: Shared
    readonly own: Measured | null
    readonly others: Measured | null
  }>
  /** How many test photos share nothing, and their metrics. */
  readonly free: number
  readonly none: Measured | null
  /** The photos of the examples. */
  readonly photos: ReadonlyArray<ShownRow>
}

/** Metrics of the stored predictions of some samples; null where there are none. */
const measured = (
  stored: StoredPredictions | undefined,
  temperature: number,
  isMeant: (id: string) => boolean
): Measured | null => {
  if (stored === undefined) return null
  const classes = stored.labels.length
  const rows = stored.samples.flatMap(({ id }, index) => (isMeant(id) ? [index] : []))
  const all = numbersOf(stored)
  const logits = new Float32Array(rows.length * classes)
  rows.forEach((row, at) => logits.set(all.logits.subarray(row * classes, (row + 1) * classes), at * classes))
  const labels = Int32Array.from(rows, (row) => all.labels[row] ?? 0)
  const { evaluation } = metricsOf({ classes, logits, labels }, { temperature, bins: 2 })
  const report = testReport(evaluation, stored.labels)
  if (report === null || report.accuracy === null) return null
  const intervals = scoreIntervals(fromRows(report.confusion), (metric) => valueIn(report, metric))
  return {
    samples: rows.length,
    accuracy: report.accuracy,
    accuracyInterval: wilson(Math.round(report.accuracy * rows.length), rows.length),
    weightedF1: report.weighted.f1,
    weightedF1Interval: intervals.get("weighted.f1") ?? null
  }
}

/** The metrics of a run's test photos with and without those that share something with a training photo. */
export const leakageAnalysis = ({ report, test }: RunFacts, found: Leakage): LeakageAnalysis => {
  const temperature = report.calibration?.temperature ?? 1
  const of = (isMeant: (id: string) => boolean) => measured(test, temperature, isMeant)
  const any = new Set(found.shared.flatMap(({ testIds }) => testIds))
  return {
    found,
    all: of(() => true),
    shared: found.shared.map((one) => {
      const own = new Set(one.testIds)
      return { of: one, own: of((id) => own.has(id)), others: of((id) => !own.has(id)) }
    }),
    free: found.test - any.size,
    none: of((id) => !any.has(id)),
    photos: [
      ...found.shared.flatMap(({ examples }) => examples.flatMap(({ test, train }) => [test, train])),
      ...found.contradictions.flatMap(({ examples }) => examples.flatMap(({ rows }) => rows))
    ]
  }
}
