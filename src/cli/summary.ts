import type { CalibrationMetrics } from "../metrics/calibration.ts"
import { boundOf, confusedPairs, enoughSamples, hardestClasses } from "../metrics/confusedPairs.ts"
import { fromRows } from "../metrics/Confusion.ts"
import { enginesText } from "../metrics/enginesUsed.ts"
import { shownAt } from "../metrics/metrics.ts"
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

const metricText = (test: TestReport, losses: ReturnType<typeof namedLosses>) => {
  const shown = shownAt("summary", test)
  return [
    valueTables([
      ...losses.map(({ loss, name }) => [name, lossText(loss)] as const),
      ...shown.map(({ metric, text }) => [metric.head ?? metric.title, text] as const)
    ]),
    ...new Set(shown.flatMap(({ metric }) => metric.note?.(test) ?? []))
  ].join("\n")
}

/** The text of each label column's report under its name; of one column, its text alone. */
const columnTexts = (test: TestReports, of: (test: TestReport, column?: string) => string): string =>
  test.columns === undefined
    ? of(test)
    : Object.entries(test.columns)
        .map(([name, own]) => section(`${name} (${own.samples ?? 0} images with a label)`, of(own, name)))
        .join("\n")

/**
 * An evaluation for people, of each label column: the metrics, the hardest classes, the most confused pairs; with the
 * losses before and after a temperature, where there is one.
 */
export const evaluationText = (
  test: TestReports,
  calibration?: CalibrationMetrics | null,
  calibrations?: Readonly<Record<string, CalibrationMetrics | null>>
): string =>
  columnTexts(test, (own, column) =>
    columnText(own, column === undefined ? calibration : calibrations?.[column], column === undefined ? 5 : 3)
  )

/** The evaluation of one label column; `most` classes and pairs. */
const columnText = (test: TestReport, calibration: CalibrationMetrics | null | undefined, most: number): string => {
  if (test.confusion.length === 0) return severalText(test, calibration, most)
  const labels = test.perClass.map(({ label }) => label)
  const confusion = fromRows(test.confusion)
  const hardest = hardestClasses(confusion, labels, most)
  const confused = confusedPairs(confusion, labels, most)
  return [
    metricText(test, namedLosses(test.loss, calibration)),
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

/** The same of a column with several values: nothing is confused there, but classes are missed or wrongly added. */
const severalText = (test: TestReport, calibration: CalibrationMetrics | null | undefined, most: number): string => {
  // Of few samples the scores say little, unless all are so.
  const many = test.perClass.filter(({ support }) => support >= enoughSamples)
  const hardest = (many.length > 0 ? many : test.perClass).toSorted((a, b) => a.f1 - b.f1).slice(0, most)
  return [
    metricText(test, namedLosses(test.loss, calibration)),
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

/** What calibration did in each label column, in a line. */
const temperaturesText = (columns: Readonly<Record<string, ColumnCalibration>>): string =>
  `Calibrated, each label column with its own temperature: ${Object.entries(columns)
    .map(([name, { temperature, test, validation }]) => {
      const { eceAfter, eceBefore } = test ?? validation
      return `${name} ${temperature.toFixed(3)} (calibration error ${orDash(eceBefore, percent)}, then ${orDash(eceAfter, percent)})`
    })
    .join("; ")}.`

/** How many predictions contradict what occurs together, in a line. */
const unseenText = ({ flagged, samples, wrong }: UnseenPairs): string =>
  flagged === 0
    ? `All ${samples} images were given values that occur together in training.`
    : `${flagged} of ${samples} images were given two values that never occur together in training; ` +
      `${wrong.flagged} of these have a wrong one (${percent(wrong.flagged / flagged)}), ` +
      `of the others ${samples === flagged ? "-" : percent(wrong.others / (samples - flagged))}.`

/** A finished run for people. */
export const reportText = (report: Report, folder: string): string => {
  const { calibration, data, engine, model, seconds, test } = report
  const changed = enginesText(report.history)
  return [
    `${model.network}, ${model.parameters.toLocaleString("en")} parameters, on ${engine.name} (${engine.device})`,
    ...(changed === undefined ? [] : [changed]),
    `${sumText(data)}; ${data.classes} classes`,
    test === null
      ? "\nNo test part: `data.split.test` is 0."
      : section(
          `Test (${data.test} images)`,
          evaluationText(
            test,
            calibration?.test,
            Object.fromEntries(Object.entries(calibration?.columns ?? {}).map(([name, { test }]) => [name, test]))
          )
        ),
    ...(report.unseenPairs === undefined ? [] : [`\n${unseenText(report.unseenPairs)}`]),
    ...(calibration === undefined
      ? []
      : calibration.columns !== undefined
        ? [`\n${temperaturesText(calibration.columns)}`]
        : [
            `\n${
              calibration.test === null
                ? calibrationText(calibration.temperature, "validation", calibration.validation)
                : calibrationText(calibration.temperature, "test", calibration.test)
            }`
          ]),
    `\n${report.history.length} epochs in ${duration(seconds)}; the weights are those of epoch ${report.chosenEpoch}. Report and model: ${folder}`
  ].join("\n")
}
