import { Schema } from "effect"
import type { EpochRecord } from "../../metrics/Report.ts"
import { metrics } from "../../metrics/metrics.ts"
import type { Metric } from "../../metrics/metrics/Metric.ts"
import { EpochRecord as EpochRecordSchema, Report } from "../../metrics/Report.ts"
import { nearest } from "../../config/nearest.ts"
import { setting } from "../../config/Setting.ts"
import type { TrainConfig } from "../../model/TrainConfig.ts"

/** What the best trial is the best in. */
export const Objective = Schema.Struct({
  figure: setting(
    Schema.NonEmptyString,
    "validationLoss",
    "A figure of the chosen epoch (`validationLoss`, `validationAccuracy`, `trainLoss`) or a path in a trial's report.json (`test.weighted.f1`, `seconds`)"
  ),
  goal: setting(Schema.Literals(["min", "max"]), "min", "Whether a small figure is good, or a large one")
})
export type Objective = typeof Objective.Type

/** What is read of a JSON Schema. */
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
const figuresOf = (schema: Schema.Top) => new Set(numbersIn(Schema.toJsonSchemaDocument(schema).schema as Json, ""))

const epochFigures = figuresOf(EpochRecordSchema)
const reportFigures = figuresOf(Report)

/** Whether every epoch has the figure; `seconds` is the whole run's. */
export const isEpochFigure = (figure: string): boolean => epochFigures.has(figure) && !reportFigures.has(figure)

const heads: Readonly<Record<string, string>> = {
  validationLoss: "val loss",
  trainLoss: "train loss",
  validationAccuracy: "val acc",
  trainAccuracy: "train acc"
}

/** What a figure's column is called in tables. */
export const figureHead = (figure: string): string => heads[figure] ?? figure

/** The metric that a figure is a value of: `test.weighted.f1`, `validationLoss`, `calibration.test.lossAfter`. */
export const metricOf = (figure: string): Metric | undefined => {
  const [, inTest, ofEpoch, ofCalibration] =
    /^(?:test\.(.+)|(?:train|validation)([A-Z]\w+)|calibration\..+\.(\w+)(?:Before|After))$/.exec(figure) ?? []
  const path = inTest ?? ofEpoch?.toLowerCase() ?? ofCalibration
  return metrics.find((metric) => metric.path === path)
}

const goals: Readonly<Record<string, Objective["goal"]>> = {
  eceBefore: "min",
  eceAfter: "min",
  seconds: "min",
  measuringSeconds: "min",
  waiting: "min",
  imagesPerSecond: "max"
}

/** The only goal that makes sense for a figure; none where both do. */
const onlyGoal = (figure: string): Objective["goal"] | undefined => {
  const metric = metricOf(figure)
  if (metric !== undefined) return metric.better === "higher" ? "max" : "min"
  return goals[figure.slice(figure.lastIndexOf(".") + 1)]
}

/** What is wrong with an objective, as a sentence, or undefined. */
export const goalProblem = ({ figure, goal }: Objective): string | undefined => {
  if (!epochFigures.has(figure) && !reportFigures.has(figure)) {
    const suggestion = nearest(figure, [...epochFigures, ...reportFigures])
    return (
      `Expected a figure of an epoch or of a trial's report, got ${JSON.stringify(figure)}` +
      (suggestion === undefined
        ? "; such as validationLoss, validationAccuracy, test.accuracy or test.weighted.f1"
        : `; did you mean \`${suggestion}\`?`)
    )
  }
  const only = onlyGoal(figure)
  return only === undefined || only === goal
    ? undefined
    : `Expected \`goal = "${only}"\` for the figure \`${figure}\`, got "${goal}"`
}

/**
 * The record of the epoch that a run chooses, were it over now; undefined before the first epoch's end.
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
  let bestFigure: number | null = null
  for (const record of history) {
    const figure = record[config.monitor]
    if (figure !== null && (bestFigure === null || sign * (figure - bestFigure) - least > 0)) {
      best = record
      bestFigure = figure
    }
  }
  return best ?? history.at(-1)
}

/** A figure of an epoch's record; null where it has none. */
export const epochFigure = (record: EpochRecord | undefined, figure: string): number | null =>
  record === undefined ? null : numberAt(record, [figure])

/** A figure of a trial's report: of its chosen epoch, or at a path of its own; null where the report has none. */
export const reportFigure = (report: Report, figure: string): number | null =>
  isEpochFigure(figure)
    ? epochFigure(
        report.history.find(({ epoch }) => epoch === report.chosenEpoch),
        figure
      )
    : numberAt(report, figure.split("."))

const numberAt = (value: unknown, [key, ...rest]: ReadonlyArray<string>): number | null => {
  if (key === undefined) return typeof value === "number" && Number.isFinite(value) ? value : null
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null
  // It is an object that has the key.
  return numberAt((value as Readonly<Record<string, unknown>>)[key], rest)
}

/** Those with the best figures first; equal ones in the order given; without a figure, or one that is no number, last. */
export const rank = <A extends { readonly figure: number | null }>(
  items: ReadonlyArray<A>,
  goal: Objective["goal"]
): ReadonlyArray<A> => {
  const isMissing = ({ figure }: A) => figure === null || Number.isNaN(figure)
  const sign = goal === "min" ? 1 : -1
  const ranked = items.filter((item) => !isMissing(item)).toSorted((a, b) => sign * ((a.figure ?? 0) - (b.figure ?? 0)))
  return [...ranked, ...items.filter(isMissing)]
}
