import { elementAt } from "../../pipeline/elementAt.ts"
import { percent } from "../../metrics/numberText.ts"
import type { CalibrationMetrics } from "../../metrics/calibration.ts"
import type { EpochNumber, EpochRecord } from "../../metrics/Report.ts"
import type { StepSpan } from "../train/StepSpan.ts"
import type { BarChart, Chart, LineChart, MatrixChart } from "./Chart.ts"
import type { ColumnAnalysis, RunAnalysis, TestAnalysis } from "./RunAnalysis.ts"
import type { RunFacts } from "./RunFacts.ts"

/** The epochs of a run, finished or not. */
interface Epochs {
  readonly history: ReadonlyArray<EpochRecord>
  /** An epoch that a line marks, and what it is. */
  readonly chosen: { readonly epoch: number; readonly is: string } | undefined
}

const epochs = (
  { chosen, history }: Epochs,
  [title, label]: readonly [string, string],
  series: ReadonlyArray<readonly [string, EpochNumber]>
): LineChart => ({
  kind: "lines",
  title,
  x: { label: "epoch", whole: true },
  y: { label, percent: label === "accuracy" },
  mark: history.length > 60 ? "line" : "both",
  ...(chosen !== undefined && { rule: { x: chosen.epoch, label: `epoch ${chosen.epoch}, ${chosen.is}` } }),
  series: series.flatMap(([name, key]) => {
    const points = history.map((record) => ({ x: record.epoch, y: record[key] ?? null }))
    return points.every(({ y }) => y === null) ? [] : [{ name, points }]
  })
})

const steps = (spans: ReadonlyArray<StepSpan>, key: "loss" | "learningRate"): LineChart => ({
  kind: "lines",
  title: key === "loss" ? "Training loss over steps" : "Learning rate over steps",
  x: { label: "step" },
  y: { label: key === "loss" ? "training loss (nats)" : "learning rate" },
  series: [{ name: key, points: spans.map((span) => ({ x: span.step, y: span[key] })) }]
})

const classes = ({ report }: RunFacts): BarChart | undefined => {
  const { perClass } = report.data
  if (perClass === undefined) return undefined
  // Without the classes that are left out whole: there may be any number of them.
  const kept = perClass.filter(({ test, train, validation }) => train + validation + test > 0)
  // Reports of Weft 0.1 have one number for both.
  const missing = kept.every(({ leftOut }) => leftOut !== undefined) ? ["refused", "left out"] : ["refused or left out"]
  const rows = kept.map(({ label, leftOut, listed, test, train, validation }) => {
    const others = listed - train - validation - test
    const apart = missing.length === 2 ? [others - (leftOut ?? 0), leftOut ?? 0] : [others]
    return { label, values: [train, validation, test, ...apart] }
  })
  const parts = ["training", "validation", "test", ...missing]
  // A part without any row is not in the legend.
  const there = parts.map((_, i) => i < 3 || rows.some(({ values }) => (values[i] ?? 0) > 0))
  return {
    kind: "bars",
    title: "Rows of each class",
    x: { label: "rows" },
    y: { label: "class" },
    parts: parts.filter((_, i) => there[i]),
    rows: rows.map(({ label, values }) => ({ label, values: values.filter((_, i) => there[i]) }))
  }
}

const confusion = ({ confusion: { classes, counts }, order, test }: TestAnalysis): MatrixChart | undefined =>
  order && {
    kind: "matrix",
    title: "Confusion: rows are the true classes, columns the predicted ones",
    labels: order.map((index) => elementAt(test.perClass, index).label),
    counts: order.map((row) => order.map((column) => elementAt(counts, row * classes + column)))
  }

const reliability = (metrics: CalibrationMetrics, applied: boolean): LineChart => ({
  kind: "lines",
  title: "Accuracy over confidence",
  x: { label: "confidence", percent: true, domain: [0, 1] },
  y: { label: "accuracy", percent: true, domain: [0, 1] },
  diagonal: true,
  mark: "dots",
  series: [
    { name: "as trained", points: curve(metrics.binsBefore) },
    { name: applied ? "with the temperature" : "with a temperature", points: curve(metrics.binsAfter) }
  ]
})

const curve = (bins: CalibrationMetrics["binsBefore"]) =>
  bins.flatMap(({ accuracy, confidence, samples }) =>
    confidence === null ? [] : [{ x: confidence, y: accuracy, samples }]
  )

const coverage = (points: TestAnalysis["coverage"]): LineChart => ({
  kind: "lines",
  title: "Accuracy over the share of photos that are answered",
  x: { label: "answered", percent: true },
  y: { label: "accuracy", percent: true },
  series: [{ name: "accuracy", points: points.map(({ accuracy, coverage }) => ({ x: coverage, y: accuracy })) }]
})

const precisionRecall = (curves: TestAnalysis["precisionRecall"]): LineChart => ({
  kind: "lines",
  title: "Precision over recall",
  x: { label: "recall", percent: true, domain: [0, 1] },
  y: { label: "precision", percent: true, domain: [0, 1] },
  series: curves.map(({ averagePrecision, label, points }) => ({
    name: `${label}, AP ${percent(averagePrecision)}`,
    points: points.map(({ precision, recall }) => ({ x: recall, y: precision }))
  }))
})

type Named = readonly [string, Chart | undefined | false]

const withData = (all: ReadonlyArray<Named>): ReadonlyMap<string, Chart> =>
  new Map(all.flatMap(([name, chart]) => (chart ? [[name, chart] as const] : [])))

const trainingOf = (all: Epochs, spans: ReadonlyArray<StepSpan>): ReadonlyArray<Named> => [
  [
    "loss",
    epochs(
      all,
      ["Loss over epochs", "loss (nats)"],
      [
        ["training", "trainLoss"],
        ["validation", "validationLoss"]
      ]
    )
  ],
  [
    "accuracy",
    epochs(
      all,
      ["Accuracy over epochs", "accuracy"],
      [
        ["training", "trainAccuracy"],
        ["validation", "validationAccuracy"]
      ]
    )
  ],
  ["loss-steps", spans.length > 0 && steps(spans, "loss")],
  [
    "learning-rate",
    spans.length > 0
      ? steps(spans, "learningRate")
      : epochs(all, ["Learning rate over epochs", "learning rate"], [["rate", "learningRate"]])
  ]
]

/** The charts of a training, finished or not; none before the first epoch is done. */
export const trainingCharts = (all: Epochs, spans: ReadonlyArray<StepSpan>): ReadonlyMap<string, Chart> =>
  withData(all.history.length === 0 ? [] : trainingOf(all, spans))

/** The charts of one label column. */
const columnCharts = ({ test }: ColumnAnalysis): ReadonlyArray<Named> => {
  const metrics = test?.calibration?.metrics
  return [
    ["confusion", test !== null && test.test.confusion.length > 0 && confusion(test)],
    ["precision-recall", test !== null && test.precisionRecall.length > 0 && precisionRecall(test.precisionRecall)],
    ["calibration", metrics !== undefined && reliability(metrics, test?.calibration?.applied ?? false)],
    ["coverage", test !== null && test.coverage.length > 1 && coverage(test.coverage)]
  ]
}

/** Before the names of a column's charts, where there are several columns. */
const prefixOf = (index: number): string => `column-${index + 1}-`

/** The charts of one of several label columns, under the names that they have where there is one. */
export const chartsOfColumn = <A>(all: ReadonlyMap<string, A>, index: number): ReadonlyMap<string, A> => {
  const prefix = prefixOf(index)
  return new Map(
    Array.from(all).flatMap(([name, chart]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), chart] as const] : []
    )
  )
}

/** The charts of a run, by the names of their files; those without data are left out. */
export const runCharts = (facts: RunFacts, analysis: RunAnalysis): ReadonlyMap<string, Chart> => {
  const { report, steps: spans } = facts
  const chosen = { epoch: report.chosenEpoch, is: "whose weights are the model" }
  const ofColumns =
    analysis.columns.length === 0
      ? columnCharts(analysis)
      : analysis.columns.flatMap((column, index) =>
          columnCharts(column.analysis).map(([name, chart]): Named => [`${prefixOf(index)}${name}`, chart])
        )
  return withData([
    ...trainingOf({ history: report.history, chosen }, spans),
    ["classes", classes(facts)],
    ...ofColumns
  ])
}
