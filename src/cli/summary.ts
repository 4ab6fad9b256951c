import type { CalibrationFigures } from "../metrics/calibration.ts"
import { confusedPairs, hardestClasses } from "../metrics/confusedPairs.ts"
import { fromRows } from "../metrics/Confusion.ts"
import { enginesText } from "../metrics/enginesUsed.ts"
import type { Report, TestReport } from "../metrics/Report.ts"
import type { Measured } from "../run/evaluateRuns.ts"
import { duration, percent } from "../figures.ts"
import { section, table } from "./text.ts"

const orDash = (figure: number | null, show: (figure: number) => string) => (figure === null ? "-" : show(figure))

const figures = (test: TestReport) =>
  table([
    ["loss", "accuracy", "top 5", "weighted F1", "macro F1", "balanced accuracy"],
    [
      orDash(test.loss, (loss) => loss.toFixed(4)),
      orDash(test.accuracy, percent),
      orDash(test.top5Accuracy, percent),
      percent(test.weighted.f1),
      percent(test.macro.f1),
      orDash(test.balancedAccuracy, percent)
    ]
  ])

/** An evaluation for people: the figures, the hardest classes, the most confused pairs. */
export const evaluationText = (test: TestReport): string => {
  const labels = test.perClass.map(({ label }) => label)
  const confusion = fromRows(test.confusion)
  const hardest = hardestClasses(confusion, labels, 5)
  const confused = confusedPairs(confusion, labels, 5)
  return [
    figures(test),
    section(
      "Hardest classes",
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
          "Most confused",
          table([
            ["true", "taken for", "times", "of the class"],
            ...confused.map(({ count, predictedLabel, share, trueLabel }) => [
              trueLabel,
              predictedLabel,
              count,
              percent(share)
            ])
          ])
        )
  ].join("\n")
}

/** What one temperature did, or several runs' own, in a line. */
export const calibrationText = (
  temperature: number | undefined,
  part: string,
  { eceAfter, eceBefore }: CalibrationFigures
): string =>
  `Calibrated with ${temperature === undefined ? "the runs' own temperatures" : `a temperature of ${temperature.toFixed(3)}`}: ` +
  `expected calibration error on the ${part} part ${orDash(eceBefore, percent)} before, ${orDash(eceAfter, percent)} after`

/** What each of several runs does alone, beside what they do together. */
export const membersText = ({ members, report }: Pick<Measured, "members" | "report">): string => {
  const row = (run: string, loss: number | null, accuracy: number | null, temperature: string) => [
    run,
    orDash(loss, (loss) => loss.toFixed(4)),
    orDash(accuracy, percent),
    temperature
  ]
  return section(
    "Each alone, and together",
    table([
      ["run", "loss", "accuracy", members.some(({ temperature }) => temperature !== undefined) ? "temperature" : ""],
      ...members.map(({ accuracy, loss, run, temperature }) => row(run, loss, accuracy, temperature?.toFixed(3) ?? "")),
      row("together", report?.loss ?? null, report?.accuracy ?? null, "")
    ])
  )
}

/** A finished run for people. */
export const reportText = (report: Report, folder: string): string => {
  const { calibration, data, engine, model, seconds, test } = report
  const changed = enginesText(report.history)
  const refused = Object.entries(data.refused)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(", ")
  return [
    `${model.network}, ${model.parameters.toLocaleString("en")} parameters, on ${engine.name} (${engine.device})`,
    ...(changed === undefined ? [] : [changed]),
    `${data.kept} of ${data.listed} rows kept${refused === "" ? "" : ` (refused: ${refused})`}, ${data.classes} classes`,
    test === null
      ? "\nNo test part: `data.split.test` is 0."
      : section(`Test (${data.test} images)`, evaluationText(test)),
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
