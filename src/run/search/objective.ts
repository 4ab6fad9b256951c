import { Schema } from "effect"
import type { EpochRecord } from "../../metrics/Report.ts"
import { metrics } from "../../metrics/metrics.ts"
import type { Metric } from "../../metrics/metrics/Metric.ts"
import { EpochRecord as EpochRecordSchema, Report } from "../../metrics/Report.ts"
import { nearest } from "../../config/nearest.ts"
import { optionalSetting, setting } from "../../config/Setting.ts"
import type { TrainConfig } from "../../model/TrainConfig.ts"

/** The metric that decides which trial is the best. */
export const Objective = Schema.Struct({
  metric: setting(
    Schema.NonEmptyString,
    "validationLoss",
    "A metric of the chosen epoch (`validationLoss`, `validationAccuracy`, `trainLoss`), or the path of a number in a trial's report.json (`test.weighted.f1`, `seconds`)"
  ),
  column: optionalSetting(
    Schema.NonEmptyString,
    "The label column whose metric it is, where a run has several; where left out, validation and training metrics are of all columns together, and those of the test and the calibration of the first one"
  ),
  goal: setting(Schema.Literals(["min", "max"]), "min", "Whether the smallest value is the best, or the largest")
})
export type Objective = typeof Objective.Type

/** The parts of a JSON Schema that are read. */
interface Json {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Json>>
  readonly anyOf?: ReadonlyArray<Json>
}

/** The paths of all single numbers in what a Schema describes; lists and records have none. */
const numbersIn = (json: Json, path: string): ReadonlyArray<string> => [
  ...(json.type === "number" || json.type === "integer" ? [path] : []),
  ...(json.anyOf ?? []).flatMap((one) => numbersIn(one, path)),
  ...Object.entries(json.properties ?? {}).flatMap(([key, inner]) =>
    numbersIn(inner, path === "" ? key : `${path}.${key}`)
  )
]

// A JSON Schema document is plain data, of which every part that is read may be absent.
const numberPaths = (schema: Schema.Top) => new Set(numbersIn(Schema.toJsonSchemaDocument(schema).schema as Json, ""))

const epochPaths = numberPaths(EpochRecordSchema)
const reportPaths = numberPaths(Report)

/** Whether every epoch has the number at a path; `seconds` is the whole run's. */
export const isEpochMetric = (path: string): boolean => epochPaths.has(path) && !reportPaths.has(path)

/** An objective as people read it: `validationLoss`, or `validationLoss (baseColour)`. */
export const objectiveName = ({ column, metric }: Pick<Objective, "column" | "metric">): string =>
  column === undefined ? metric : `${metric} (${column})`

/** The metrics of an epoch that every label column has, by their place in its `validationColumns`. */
const ofColumns: Readonly<Record<string, string>> = { validationLoss: "loss", validationAccuracy: "accuracy" }

/** Whether label columns have a number at a path each. */
const isOfColumns = (path: string): boolean =>
  Object.hasOwn(ofColumns, path) || path.startsWith("test.") || path.startsWith("calibration.")

const heads: Readonly<Record<string, string>> = {
  validationLoss: "val loss",
  trainLoss: "train loss",
  validationAccuracy: "val acc",
  trainAccuracy: "train acc"
}

/** The head of a number's column in tables, by its path. */
export const columnHead = (path: string): string => heads[path] ?? path

/** The metric that a path has a value of: `test.weighted.f1`, `validationLoss`, `calibration.test.lossAfter`. */
export const metricOf = (name: string): Metric | undefined => {
  // Without the label column of an objective's name.
  const path = name.replace(/ \(.*\)$/s, "")
  const [, inTest, ofEpoch, ofCalibration] =
    /^(?:test\.(.+)|(?:train|validation)([A-Z]\w+)|calibration\..+\.(\w+)(?:Before|After))$/.exec(path) ?? []
  const metricPath = inTest ?? ofEpoch?.toLowerCase() ?? ofCalibration
  return metrics.find((metric) => metric.path === metricPath)
}

const goals: Readonly<Record<string, Objective["goal"]>> = {
  eceBefore: "min",
  eceAfter: "min",
  seconds: "min",
  measuringSeconds: "min",
  waiting: "min",
  imagesPerSecond: "max"
}

/** The only goal that makes sense for a path; undefined where both do. */
const onlyGoal = (path: string): Objective["goal"] | undefined => {
  const metric = metricOf(path)
  if (metric !== undefined) return metric.better === "higher" ? "max" : "min"
  return goals[path.slice(path.lastIndexOf(".") + 1)]
}

/** What is wrong with an objective, as a sentence, or undefined. */
export const goalProblem = ({ column, metric: path, goal }: Objective): string | undefined => {
  if (!epochPaths.has(path) && !reportPaths.has(path)) {
    const suggestion = nearest(path, [...epochPaths, ...reportPaths])
    return (
      `Expected a metric of an epoch or a number of a trial's report, got ${JSON.stringify(path)}` +
      (suggestion === undefined
        ? "; such as validationLoss, validationAccuracy, test.accuracy or test.weighted.f1"
        : `; did you mean \`${suggestion}\`?`)
    )
  }
  if (column !== undefined && !isOfColumns(path))
    return (
      `Expected a metric that each label column has where \`column\` is set: validationLoss, validationAccuracy, ` +
      `or one of test and calibration; got ${JSON.stringify(path)}`
    )
  const only = onlyGoal(path)
  return only === undefined || only === goal
    ? undefined
    : `Expected \`goal = "${only}"\` for \`${path}\`, got "${goal}"`
}

/**
 * The record of the epoch that a run would choose if it ended now; undefined before the first epoch's end.
 *
 * As `train.select`, `train.monitor` and `train.earlyStopping` say.
 */
export const chosenRecord = (
  config: Pick<TrainConfig, "select" | "monitor" | "earlyStopping">,
  history: ReadonlyArray<EpochRecord>
): EpochRecord | undefined => {
  if (config.select === "last" && config.earlyStopping === undefined) return history.at(-1)
  const sign = config.monitor === "validationLoss" ? -1 : 1
  const least = config.earlyStopping?.minDelta ?? 0
  let best: EpochRecord | undefined
  let bestValue: number | null = null
  for (const record of history) {
    const value = record[config.monitor]
    if (value !== null && (bestValue === null || sign * (value - bestValue) - least > 0)) {
      best = record
      bestValue = value
    }
  }
  return best ?? history.at(-1)
}

/** What names a number: the path of a metric, and the label column whose it is. */
type Named = Pick<Objective, "column" | "metric">

/** The objective's number in an epoch's record; null where there is none. */
export const epochValue = (record: EpochRecord | undefined, { column, metric }: Named): number | null => {
  if (record === undefined) return null
  const { validationColumns } = record
  // A run of one label column has its metrics in the places of the whole.
  return column === undefined || validationColumns === undefined
    ? numberAt(record, [metric])
    : numberAt(validationColumns, [column, ofColumns[metric] ?? metric])
}

/** The objective's number in a trial's report: of its chosen epoch, or of the report itself; null where there is none. */
export const reportValue = (report: Report, objective: Named): number | null => {
  const { column, metric } = objective
  if (isEpochMetric(metric))
    return epochValue(
      report.history.find(({ epoch }) => epoch === report.chosenEpoch),
      objective
    )
  const [section = "", ...path] = metric.split(".")
  const whole = section === "test" ? report.test : section === "calibration" ? report.calibration : undefined
  return column === undefined || !whole?.columns
    ? numberAt(report, [section, ...path])
    : numberAt(whole.columns, [column, ...path])
}

const numberAt = (value: unknown, [key, ...rest]: ReadonlyArray<string>): number | null => {
  if (key === undefined) return typeof value === "number" && Number.isFinite(value) ? value : null
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null
  // It is an object that has the key.
  return numberAt((value as Readonly<Record<string, unknown>>)[key], rest)
}

/** The mean of the objectives; null where one is missing. */
export const meanOf = (items: ReadonlyArray<{ readonly metric: number | null }>): number | null => {
  const known = items.flatMap(({ metric }) => (metric === null ? [] : [metric]))
  return known.length < items.length || known.length === 0
    ? null
    : known.reduce((sum, value) => sum + value, 0) / known.length
}

/**
 * Sorts by the objective, the best first; equal ones in the given order; those without an objective, or with NaN, last.
 */
export const rank = <A extends { readonly metric: number | null }>(
  items: ReadonlyArray<A>,
  goal: Objective["goal"]
): ReadonlyArray<A> => {
  const isMissing = ({ metric }: A) => metric === null || Number.isNaN(metric)
  const sign = goal === "min" ? 1 : -1
  const ranked = items.filter((item) => !isMissing(item)).toSorted((a, b) => sign * ((a.metric ?? 0) - (b.metric ?? 0)))
  return [...ranked, ...items.filter(isMissing)]
}
