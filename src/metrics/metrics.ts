import { Schema } from "effect"
import { accuracy } from "./metrics/accuracy.ts"
import { macroAveragePrecision, weightedAveragePrecision } from "./metrics/averagePrecision.ts"
import { balancedAccuracy } from "./metrics/balancedAccuracy.ts"
import {
  macroF1,
  macroPrecision,
  macroRecall,
  microF1,
  microPrecision,
  microRecall,
  weightedF1,
  weightedPrecision,
  weightedRecall
} from "./metrics/classScores.ts"
import { cohenKappa } from "./metrics/cohenKappa.ts"
import { hammingLoss } from "./metrics/hammingLoss.ts"
import { loss } from "./metrics/loss.ts"
import { matthews } from "./metrics/matthews.ts"
import { multilabelAveragePrecisions } from "./metrics/averagePrecision.ts"
import type { Found, FoundSeveral, IntervalMethod, Metric, Place, Presence } from "./metrics/Metric.ts"
import { top3Accuracy, top5Accuracy } from "./metrics/topKAccuracy.ts"
import type { Measurement } from "./Evaluation.ts"
import type { MultilabelMeasurement } from "./multilabel.ts"
import { countsOf, scoresOf } from "./scores.ts"

/**
 * Every metric that `report.json` has of a part, in the order of its fields: a new one is a file and a line here. The
 * report's Schema, tables, pages, the choices of a search's objective and the reference follow from this list.
 */
const list = [
  accuracy,
  weightedPrecision,
  weightedRecall,
  weightedF1,
  weightedAveragePrecision,
  macroPrecision,
  macroRecall,
  macroF1,
  macroAveragePrecision,
  microPrecision,
  microRecall,
  microF1,
  balancedAccuracy,
  cohenKappa,
  matthews,
  loss,
  top3Accuracy,
  top5Accuracy,
  hammingLoss
] as const

type Listed = (typeof list)[number]

/** The metrics' places in `report.json` below `test`: `accuracy`, `weighted.f1`. */
export type MetricPath = Listed["path"]

/** Every metric: see `list`. */
export const metrics: ReadonlyArray<Metric & { readonly path: MetricPath }> = list

/** The metrics that are shown to people at a place. */
export const metricsAt = (place: Place) => metrics.filter(({ shown }) => shown.includes(place))

const Nullable = Schema.NullOr(Schema.Finite)
const fieldOf = {
  number: Schema.Finite,
  nullable: Nullable,
  added: Schema.optionalKey(Nullable),
  several: Schema.optionalKey(Nullable)
} as const
type FieldOf<P extends Presence> = (typeof fieldOf)[P]

type GroupName = MetricPath extends infer P ? (P extends `${infer Group}.${string}` ? Group : never) : never

type Alone = {
  readonly [M in Listed as M["path"] extends `${string}.${string}` ? never : M["path"]]: FieldOf<M["presence"]>
}
type Group<Name extends string> = {
  readonly [M in Listed as M["path"] extends `${Name}.${infer Key}` ? Key : never]: FieldOf<M["presence"]>
}
type Fields = Alone & { readonly [Name in GroupName]: Schema.Struct<Group<Name>> }

/** One entry for each metric, nested as in `report.json`: those of a group under the group's name. */
const nested = <A, B>(
  some: ReadonlyArray<Metric>,
  of: (metric: Metric) => A,
  group: (inner: Readonly<Record<string, A>>) => B
) => {
  const groups = new Map<string, Record<string, A>>()
  const whole: Record<string, A | B> = {}
  for (const metric of some) {
    const [name = "", key] = metric.path.split(".")
    if (key === undefined) whole[name] = of(metric)
    else {
      const inner = { ...groups.get(name), [key]: of(metric) }
      groups.set(name, inner)
      whole[name] = group(inner)
    }
  }
  return whole
}

/** The metrics as fields of a Schema. */
// The type nests the list as the function does.
export const metricFields = nested(metrics, ({ presence }) => fieldOf[presence], Schema.Struct) as unknown as Fields

/** The metrics' values, as `report.json` nests them. */
export type MetricValues = Schema.Struct.Type<Fields>

/** The entry at a metric's path; undefined in a report that is older than the metric. */
const entryIn = (values: MetricValues, { path }: Pick<Metric, "path">): number | null | undefined => {
  const [name = "", key] = path.split(".")
  // A path has a number or null, if anything; a group's name has an object of these.
  const found = (values as unknown as Readonly<Record<string, number | null | Readonly<Record<string, number>>>>)[name]
  return typeof found === "object" && found !== null ? found[key ?? ""] : found
}

/** A metric's value in a report; null where it does not exist, or where the report is older than the metric. */
export const valueIn = (values: MetricValues, metric: Pick<Metric, "path">): number | null =>
  entryIn(values, metric) ?? null

/** The metrics that a report has: all, or those of a report that is to be compared, which may be older than some. */
const wanted = (reported: MetricValues | null | undefined) =>
  metrics.filter((metric) => !reported || metric.presence !== "added" || entryIn(reported, metric) !== undefined)

/** Computed at the first call. */
const once = <A>(compute: () => A): (() => A) => {
  let known: { readonly value: A } | undefined
  return () => (known ??= { value: compute() }).value
}

/**
 * The metrics of a part that was measured: all of them, or those of a report that is to be compared, which may be older
 * than some.
 */
export const metricValues = (
  measured: Measurement | MultilabelMeasurement,
  reported?: MetricValues | null
): MetricValues => {
  if ("values" in measured) return severalValues(measured, reported)
  const known = new Map<unknown, unknown>()
  const found: Found = {
    ...measured,
    counts: countsOf(measured.confusion),
    once: (compute) => {
      if (!known.has(compute)) known.set(compute, compute(measured))
      return known.get(compute) as ReturnType<typeof compute> // what it returned
    }
  }
  // The fields' types are those of the metrics' values.
  return nested(
    wanted(reported).filter(({ presence }) => presence !== "several"),
    (metric) => (metric.of === "counts" ? metric.value(found.counts) : metric.value(found)),
    (inner) => inner
  ) as unknown as MetricValues
}

const severalValues = (measured: MultilabelMeasurement, reported: MetricValues | null | undefined): MetricValues => {
  const found: FoundSeveral = {
    ...measured,
    perClass: scoresOf(measured),
    averagePrecisions: once(() => multilabelAveragePrecisions(measured.predictions))
  }
  // The fields' types are those of the metrics' values: one that is always a number has a value for several classes too.
  return nested(
    wanted(reported),
    (metric) => metric.several?.(found) ?? null,
    (inner) => inner
  ) as unknown as MetricValues
}

/** A value as people read it: `84.7 %`, `0.4121`. */
export const metricText = ({ decimals, unit }: Pick<Metric, "decimals" | "unit">, value: number): string =>
  unit === "%" ? `${(100 * value).toFixed(decimals)} %` : value.toFixed(decimals)

/** The metrics of a report that are shown at a place, with their values; those that have none are left out. */
export const shownAt = (place: Place, values: MetricValues) =>
  metricsAt(place).flatMap((metric) => {
    const value = valueIn(values, metric)
    return value === null ? [] : [{ metric, value, text: metricText(metric, value) }]
  })

/** The titles of the metrics whose interval is computed by a method. */
export const titlesBy = (method: IntervalMethod["method"]): string =>
  metrics
    .filter(({ interval }) => interval?.method === method)
    .map(({ title }) => title)
    .join(", ")
