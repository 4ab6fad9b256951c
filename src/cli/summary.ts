import type { CalibrationMetrics } from "../metrics/calibration.ts"
import { boundOf, confusedPairs, hardestClasses } from "../metrics/confusedPairs.ts"
import { fromRows } from "../metrics/Confusion.ts"
import { enginesText } from "../metrics/enginesUsed.ts"
import { shownAt } from "../metrics/metrics.ts"
import { namedLosses } from "../metrics/namedLosses.ts"
import type { Report, TestReport } from "../metrics/Report.ts"
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

/**
 * An evaluation for people: the metrics, the hardest classes, the most confused pairs; with the losses before and after a
 * temperature, where there is one.
 */
export const evaluationText = (test: TestReport, calibration?: CalibrationMetrics | null): string => {
  const labels = test.perClass.map(({ label }) => label)
  const confusion = fromRows(test.confusion)
  const hardest = hardestClasses(confusion, labels, 5)
  const confused = confusedPairs(confusion, labels, 5)
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

/** What one temperature did, or several runs' own, in a line. */
export const calibrationText = (
  temperature: number | undefined,
  part: string,
  { eceAfter, eceBefore, lossAfter, lossBefore }: CalibrationMetrics
): string =>
  `Calibrated with ${temperature === undefined ? "the runs' own temperatures" : `a temperature of ${temperature.toFixed(3)}`}: ` +
  `on the ${part} part the expected calibration error is ${orDash(eceBefore, percent)} as trained, ` +
  `${orDash(eceAfter, percent)} calibrated; the loss ${lossText(lossBefore)} as trained, ${lossText(lossAfter)} calibrated.`

/** What each of several runs does alone, beside what they do together. */
export const membersText = ({
  calibration,
  members,
  report
}: Pick<Measured, "calibration" | "members" | "report">): string => {
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
      : section(`Test (${data.test} images)`, evaluationText(test, calibration?.test)),
    ...(calibration === undefined
      ? []
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
