import type { CalibrationMetrics } from "../metrics/calibration.ts"
import { boundOf, confusedPairs, enoughFirst, hardestClasses } from "../metrics/confusedPairs.ts"
import { fromRows } from "../metrics/Confusion.ts"
import { enginesText } from "../metrics/enginesUsed.ts"
import { metricsAt, metricText, shownAt, valueIn } from "../metrics/metrics.ts"
import { namedLosses } from "../metrics/namedLosses.ts"
import type { ColumnCalibration, Report, TestReport, TestReports, UnseenPairs } from "../metrics/Report.ts"
import type { Measured } from "../run/evaluate/evaluateRuns.ts"
import { duration, percent } from "../metrics/numberText.ts"
import { sumText } from "../pipeline/Ledger.ts"
import { section, table } from "./text.ts"

const orDash = (value: number | null, show: (value: number) => string) => (value === null ? "-" : show(value))

const lossText = (loss: number | null) => orDash(loss, (loss) => loss.toFixed(4))

/** A terminal's usual width in characters. */
const widest = 80

/** Heads with a value each, split into several tables where one would be wider than the terminal. */
const valueTables = (values: ReadonlyArray<readonly [head: string, value: string]>) => {
  const tables: Array<Array<readonly [string, string]>> = []
  let width = Infinity
  for (const one of values) {
    const own = Math.max(...one.map((text) => text.length)) + 2
    if (width + own > widest + 2) {
      tables.push([])
      width = 0
    }
    tables.at(-1)?.push(one)
    width += own
  }
  return tables.map((columns) => table([columns.map(([head]) => head), columns.map(([, value]) => value)])).join("\n\n")
}

const metricsText = (test: TestReport, losses: ReturnType<typeof namedLosses>) => {
  const shown = shownAt("summary", test)
  return [
    valueTables([
      ...losses.map(({ loss, name }) => [name, lossText(loss)] as const),
      ...shown.map(({ metric, text }) => [metric.head ?? metric.title, text] as const)
    ]),
    ...new Set(shown.flatMap(({ metric }) => metric.note?.(test) ?? []))
  ].join("\n")
}

/**
 * An evaluation for people: the metrics, the hardest classes, the most confused pairs; with the losses before and after a
 * temperature, where there is one. Of several label columns, one table of their metrics, and a line on each.
 */
export const evaluationText = (test: TestReports, calibration?: CalibrationMetrics | null): string =>
  test.columns === undefined ? columnText(test, calibration, 5) : columnsText(test.columns)

/** How many classes and pairs the line on a column names. */
const named = 3

const listed = (what: string, texts: ReadonlyArray<string>) =>
  texts.length === 0 ? [] : [`${what} ${texts.join(", ")}`]

/** A column's hardest classes and most confused pairs, in a line. */
const columnLine = (name: string, test: TestReport): string => {
  const labels = test.perClass.map(({ label }) => label)
  const isSeveral = test.confusion.length === 0
  const hardest = isSeveral ? hardestTags(test, named) : hardestClasses(fromRows(test.confusion), labels, named)
  const confused = isSeveral ? [] : confusedPairs(fromRows(test.confusion), labels, named)
  const parts = [
    ...listed(
      "hardest",
      hardest.map(({ f1, label, support }) => `${label} (F1 ${percent(f1)} of ${support})`)
    ),
    ...listed(
      "most confused",
      confused.map(({ count, predictedLabel, trueLabel }) => `${trueLabel} taken for ${predictedLabel} (${count})`)
    )
  ]
  return `${name}: ${parts.length === 0 ? "nothing was confused" : parts.join("; ")}`
}

const columnsText = (columns: Readonly<Record<string, TestReport>>): string => {
  const all = Object.entries(columns)
  const metrics = metricsAt("comparison")
  return [
    table([
      ["column", "images", "loss", ...metrics.map(({ head, title }) => head ?? title)],
      ...all.map(([name, test]) => [
        name,
        test.samples ?? 0,
        lossText(test.loss),
        ...metrics.map((metric) => orDash(valueIn(test, metric), (value) => metricText(metric, value)))
      ])
    ]),
    "",
    ...all.map(([name, test]) => columnLine(name, test))
  ].join("\n")
}

/** The evaluation of one label column; `most` classes and pairs. */
const columnText = (test: TestReport, calibration: CalibrationMetrics | null | undefined, most: number): string => {
  if (test.confusion.length === 0) return severalText(test, calibration, most)
  const labels = test.perClass.map(({ label }) => label)
  const confusion = fromRows(test.confusion)
  const hardest = hardestClasses(confusion, labels, most)
  const confused = confusedPairs(confusion, labels, most)
  return [
    metricsText(test, namedLosses(test.loss, calibration)),
    section(
      `Hardest classes (${boundOf(hardest)})`,
      table([
        ["class", "precision", "recall", "F1", "samples"],
        ...hardest.map(({ f1, label, precision, recall, support }) => [
          label,
          percent(precision),
          percent(recall),
          percent(f1),
          support
        ])
      ])
    ),
    confused.length === 0
      ? "\nNothing was confused."
      : section(
          `Most confused (${boundOf(confused)})`,
          table([
            ["true", "taken for", "times", "of the class", "samples"],
            ...confused.map(({ count, predictedLabel, share, support, trueLabel }) => [
              trueLabel,
              predictedLabel,
              count,
              percent(share),
              support
            ])
          ])
        )
  ].join("\n")
}

/** The classes with the lowest F1 of a column with several values; those with few samples, of which the scores say little, last. */
const hardestTags = ({ perClass }: TestReport, most: number) =>
  perClass
    .filter(({ support }) => support > 0)
    .toSorted((a, b) => enoughFirst(a, b) || a.f1 - b.f1)
    .slice(0, most)

/** The same of a column with several values: nothing is confused there, but classes are missed or wrongly added. */
const severalText = (test: TestReport, calibration: CalibrationMetrics | null | undefined, most: number): string => {
  const hardest = hardestTags(test, most)
  return [
    metricsText(test, namedLosses(test.loss, calibration)),
    section(
      "Hardest classes",
      table([
        ["class", "precision", "recall", "F1", "AP", "from", "samples"],
        ...hardest.map(({ averagePrecision = null, f1, label, precision, recall, support, threshold = 0.5 }) => [
          label,
          percent(precision),
          percent(recall),
          percent(f1),
          orDash(averagePrecision, percent),
          percent(threshold),
          support
        ])
      ])
    )
  ].join("\n")
}

/** What calibration did, in a line: one temperature, or several runs' own. */
export const calibrationText = (
  temperature: number | undefined,
  part: string,
  { eceAfter, eceBefore, lossAfter, lossBefore }: CalibrationMetrics
): string =>
  `Calibrated with ${temperature === undefined ? "the runs' own temperatures" : `a temperature of ${temperature.toFixed(3)}`}: ` +
  `on the ${part} part the expected calibration error is ${orDash(eceBefore, percent)} as trained, ` +
  `${orDash(eceAfter, percent)} calibrated; the loss ${lossText(lossBefore)} as trained, ${lossText(lossAfter)} calibrated.`

/** What calibration did in each of several label columns, in a line; with the temperatures of one run. */
export const calibrationsText = (
  part: string,
  columns: Readonly<
    Record<string, Pick<CalibrationMetrics, "eceAfter" | "eceBefore"> & { readonly temperature?: number }>
  >
): string =>
  `Calibrated, each label column by its own temperature. Expected calibration error on the ${part} part, as trained and calibrated: ${Object.entries(
    columns
  )
    .map(
      ([name, { eceAfter, eceBefore, temperature }]) =>
        `${name} ${orDash(eceBefore, percent)} and ${orDash(eceAfter, percent)}` +
        (temperature === undefined ? "" : ` (temperature ${temperature.toFixed(3)})`)
    )
    .join(", ")}.`

/** The metrics of each of several runs alone, beside those of all together. */
export const membersText = ({
  calibration,
  members,
  report
}: Pick<Measured, "calibration" | "members" | "report">): string => {
  const columns = Object.keys(report?.columns ?? {})
  if (columns.length > 0)
    return section(
      "Accuracy of each alone, and together",
      table([
        ["run", ...columns],
        ...members.map(({ columns: own, run }) => [
          run,
          ...columns.map((name) => orDash(own?.[name]?.accuracy ?? null, percent))
        ]),
        ["together", ...columns.map((name) => orDash(report?.columns?.[name]?.accuracy ?? null, percent))]
      ])
    )
  const isCalibrated = calibration !== undefined
  const heads = namedLosses(null, calibration).map(({ name }) => name)
  const row = (run: string, losses: ReadonlyArray<number | null>, accuracy: number | null, temperature: string) => [
    run,
    ...losses.map(lossText),
    orDash(accuracy, percent),
    temperature
  ]
  return section(
    "Each alone, and together",
    table([
      ["run", ...heads, "accuracy", isCalibrated ? "temperature" : ""],
      ...members.map(({ accuracy, loss, lossBefore, run, temperature }) =>
        row(
          run,
          isCalibrated ? [temperature === undefined ? null : loss, lossBefore ?? loss] : [loss],
          accuracy,
          temperature?.toFixed(3) ?? ""
        )
      ),
      row(
        "together",
        namedLosses(report?.loss ?? null, calibration).map(({ loss }) => loss),
        report?.accuracy ?? null,
        ""
      )
    ])
  )
}

const ofColumns = (columns: Readonly<Record<string, ColumnCalibration>>): string => {
  const isTested = Object.values(columns).every(({ test }) => test !== null)
  return calibrationsText(
    isTested ? "test" : "validation",
    Object.fromEntries(
      Object.entries(columns).map(([name, { temperature, test, validation }]) => [
        name,
        { ...(isTested && test !== null ? test : validation), temperature }
      ])
    )
  )
}

/** How many predictions contradict what occurs together, in a line. */
const unseenText = ({ flagged, samples, wrong }: UnseenPairs): string =>
  flagged === 0
    ? `All ${samples} images were given values that occur together in training.`
    : `${flagged} of ${samples} images were given two values that never occur together in training; ` +
      `${wrong.flagged} of these have a wrong one (${percent(wrong.flagged / flagged)}), ` +
      `of the others ${samples === flagged ? "-" : percent(wrong.others / (samples - flagged))}.`

const classesText = ({ classes, columns = [] }: Report["data"]): string =>
  columns.length < 2
    ? `${classes} classes`
    : columns.map(({ classes, name }, i) => `${classes}${i === 0 ? " classes" : ""} of ${name}`).join(", ")

/** What became of training labels that are likely wrong, a line for each label column. */
const noiseTexts = (noise: Report["labelNoise"]): ReadonlyArray<string> =>
  (noise?.columns ?? []).map(
    ({ found, labels, name, treated }, _, all) =>
      `Label noise${all.length === 1 ? "" : ` in ${name}`}: ${treated} of ${labels} training labels ${noise?.treatment ?? ""}; ${found} ${found === 1 ? "is" : "are"} likely wrong`
  )

/** A finished run for people. */
export const reportText = (report: Report, folder: string): string => {
  const { calibration, data, engine, model, seconds, test } = report
  const changed = enginesText(report.history)
  return [
    `${model.network}, ${model.parameters.toLocaleString("en")} parameters, on ${engine.name} (${engine.device})`,
    ...(changed === undefined ? [] : [changed]),
    `${sumText(data)}; ${classesText(data)}`,
    ...noiseTexts(report.labelNoise),
    test === null
      ? "\nNo test part: `data.split.test` is 0."
      : section(`Test (${data.test} images)`, evaluationText(test, calibration?.test)),
    ...(report.unseenPairs === undefined ? [] : [`\n${unseenText(report.unseenPairs)}`]),
    ...(calibration === undefined
      ? []
      : calibration.columns !== undefined
        ? [`\n${ofColumns(calibration.columns)}`]
        : [
            `\n${
              calibration.test === null
                ? calibrationText(calibration.temperature, "validation", calibration.validation)
                : calibrationText(calibration.temperature, "test", calibration.test)
            }`
          ]),
    `\n${report.history.length} ${report.history.length === 1 ? "epoch" : "epochs"} in ${duration(seconds)}; the weights are those of epoch ${report.chosenEpoch}. Report and model: ${folder}`
  ].join("\n")
}
