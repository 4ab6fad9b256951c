import { Stream } from "effect"
import { Csv } from "effect/encoding"
import { percent } from "../metrics/numberText.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import type { Candidate, ColumnAnswer, UnseenPair } from "../model/answer.ts"
import { hasOneValue } from "../pipeline/LabelColumn.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { Threshold } from "../run/predict/answerThreshold.ts"
import type { Prediction } from "../run/predict/Prediction.ts"
import { textCell } from "../run/textCell.ts"
import { table } from "./text.ts"

/** How predictions are written: for people, one JSON document a line, CSV, or one JSON document in all. */
export type Format = "table" | "jsonl" | "csv" | "json"

/** A label column of the model, and the threshold of its answers, where there is one. */
export interface HeadingColumn extends Pick<LabelColumn, "classes" | "name" | "values"> {
  readonly threshold: Threshold | undefined
}

/** Facts about all predictions, for the head of the output. */
export interface Heading {
  readonly runs: ReadonlyArray<string>
  readonly engine: string
  readonly columns: ReadonlyArray<HeadingColumn>
  /** How many classes each prediction has in each column, where it has so many. */
  readonly top: number
}

/** Longer paths push their line to the right. */
const widest = 60

const classesText = (classes: ReadonlyArray<Candidate>): string =>
  classes.map(({ label, probability }) => `${visibleLine(label)} ${percent(probability)}`).join(", ")

/** An answer on one line: a question mark before the classes where it was left open. */
const answerText = (answer: ColumnAnswer): string => {
  const classes = classesText(answer.classes)
  if ("labels" in answer)
    return `${answer.labels.length === 0 ? "none" : answer.labels.map(visibleLine).join(", ")} (${classes})`
  const parent =
    answer.parent === undefined ? "" : `${visibleLine(answer.parent.label)} ${percent(answer.parent.probability)}: `
  return `${answer.abstained ? "?  " : ""}${parent}${classes}`
}

const unseenText = ({ columns: [a, b], values: [x, y] }: UnseenPair): string =>
  `${visibleLine(a)} ${visibleLine(x)} with ${visibleLine(b)} ${visibleLine(y)} never occurred in training`

/** One line; of several label columns, one for each below the path. */
const lineOf = (prediction: Prediction, width: number): string => {
  const path = visibleLine(prediction.path).padEnd(width)
  if ("error" in prediction) return `${path}  ! ${visibleLine(prediction.error)}\n`
  if (!("columns" in prediction)) return `${path}  ${answerText(prediction)}\n`
  const names = Object.keys(prediction.columns).map(visibleLine)
  const wide = Math.max(...names.map(({ length }) => length))
  return [
    path.trimEnd(),
    ...Object.entries(prediction.columns).map(
      ([name, answer]) => `  ${visibleLine(name).padEnd(wide)}  ${answerText(answer)}`
    ),
    ...prediction.unseenPairs.map((pair) => `  ! ${unseenText(pair)}`),
    ""
  ].join("\n")
}

/** The column of paths is as wide as the longest so far: later paths are not known yet. */
const asTable = <E, R>(predictions: Stream.Stream<Prediction, E, R>) =>
  Stream.mapAccumArray(
    predictions,
    () => 0,
    (width, some) => {
      const wide = Math.max(width, ...some.map(({ path }) => Math.min(widest, visibleLine(path).length)))
      return [wide, some.map((prediction) => lineOf(prediction, wide))] as const
    }
  )

/** Cells by the names of their columns. */
type Cells = ReadonlyArray<readonly [name: string, cell: string]>

const classCells = (classes: ReadonlyArray<Candidate>, top: number, prefix: string): Cells =>
  Array.from({ length: top }, (_, i): Cells => {
    const one = classes[i]
    return [
      [`${prefix}class${i + 1}`, textCell(one?.label ?? "")],
      [`${prefix}probability${i + 1}`, one === undefined ? "" : String(one.probability)]
    ]
  }).flat()

/** What a spreadsheet has between the classes of a cell. */
const between = "; "

/** The cells of one of several label columns: its answer under its own name, the rest under names that begin with it. */
const columnCells = (column: HeadingColumn, answer: ColumnAnswer | undefined, top: number): Cells => {
  const { classes, name, values } = column
  const prefix = `${name}.`
  const candidates = classCells(answer?.classes ?? [], Math.min(top, classes.length), prefix)
  if (values === "several")
    return [
      [name, textCell(answer !== undefined && "labels" in answer ? answer.labels.join(between) : "")],
      ...candidates
    ]
  const one = answer === undefined || "labels" in answer ? undefined : answer
  return [
    [name, textCell(one?.label ?? "")],
    [`${prefix}abstained`, one === undefined ? "" : String(one.abstained)],
    [`${prefix}parent`, textCell(one?.parent?.label ?? "")],
    ...candidates
  ]
}

/** A prediction's row, whose columns are the same for all predictions. */
const rowOf = (prediction: Prediction | undefined, { columns, top }: Heading): Cells => {
  const error = prediction !== undefined && "error" in prediction ? prediction : undefined
  const found = prediction === undefined || "error" in prediction ? undefined : prediction
  const faults: Cells = [
    ["reason", error?.reason ?? ""],
    ["error", textCell(error?.error ?? "")]
  ]
  const path = ["path", textCell(prediction?.path ?? "")] as const
  if (hasOneValue(columns)) {
    const one = found === undefined || "columns" in found ? undefined : found
    return [
      path,
      ["label", textCell(one?.label ?? "")],
      ["abstained", one === undefined ? "" : String(one.abstained)],
      ...faults,
      ...classCells(one?.classes ?? [], top, "")
    ]
  }
  const several = found === undefined || !("columns" in found) ? undefined : found
  return [
    path,
    ...faults,
    ...columns.flatMap((column) => columnCells(column, several?.columns[column.name], top)),
    ["unseen_pairs", textCell((several?.unseenPairs ?? []).map(({ values }) => values.join(" + ")).join(between))]
  ]
}

const asCsv = <E, R>(predictions: Stream.Stream<Prediction, E, R>, heading: Heading) =>
  Stream.map(predictions, (prediction) => rowOf(prediction, heading).map(([, cell]) => cell)).pipe(
    Stream.prepend([rowOf(undefined, heading).map(([name]) => textCell(name))]),
    Stream.pipeThroughChannel(Csv.encodeString<E>())
  )

const asDocument = <E, R>(predictions: Stream.Stream<Prediction, E, R>, { columns, engine, runs }: Heading) => {
  const thresholds = hasOneValue(columns)
    ? { threshold: columns[0]?.threshold ?? null }
    : { thresholds: Object.fromEntries(columns.map(({ name, threshold }) => [name, threshold ?? null])) }
  const head = JSON.stringify(
    { ...(runs.length === 1 ? { run: runs[0] } : { runs }), engine, ...thresholds },
    null,
    2
  ).slice(0, -2)
  return Stream.map(predictions, (prediction, i) => `${i === 0 ? "\n" : ",\n"}    ${JSON.stringify(prediction)}`).pipe(
    Stream.prepend([`${head},\n  "predictions": [`]),
    Stream.concat(Stream.make("\n  ]\n}\n"))
  )
}

/** Predictions as text, as they come. */
export const predictionText = <E, R>(
  predictions: Stream.Stream<Prediction, E, R>,
  format: Format,
  heading: Heading
): Stream.Stream<string, E, R> => {
  switch (format) {
    case "table":
      return asTable(predictions)
    case "jsonl":
      return Stream.map(predictions, (prediction) => `${JSON.stringify(prediction)}\n`)
    case "csv":
      return asCsv(predictions, heading)
    case "json":
      return asDocument(predictions, heading)
  }
}

/** A probability with four decimals, or all of them where four would change its value. */
const fourDigits = (threshold: number): string =>
  Number(threshold.toFixed(4)) === threshold ? threshold.toFixed(4) : String(threshold)

/** How a threshold was chosen, for people. */
export const thresholdText = (threshold: Threshold): string => {
  if (threshold.source === "given") return `Answers below ${threshold.value} are left open.`
  if (threshold.source === "none")
    return (
      `All is left open: no threshold promises ${percent(threshold.target)} right answers with ` +
      `${percent(threshold.confidence)} confidence, on the validation part.`
    )
  const { chosen, confidence, curve, target, value } = threshold
  const orDash = (share: number | null) => (share === null ? "-" : percent(share))
  const rows = [...curve.filter((one) => one.threshold !== chosen.threshold), chosen]
    .sort((a, b) => a.threshold - b.threshold)
    .map((one) => [
      fourDigits(one.threshold),
      orDash(one.coverage),
      orDash(one.accuracy),
      one === chosen ? `chosen: at least ${percent(chosen.atLeast)} with ${percent(confidence)} confidence` : ""
    ])
  return [
    value === 0 ? "Nothing is left open." : `Answers below ${fourDigits(value)} are left open.`,
    `Of the answers ${percent(target)} are right with ${percent(confidence)} confidence, on photos like those of the ` +
      "validation part (the bound of Geifman and El-Yaniv, 2017).",
    `On its ${chosen.samples} samples:`,
    table([["threshold", "answered", "right of them", ""], ...rows])
  ].join("\n")
}

/** The thresholds of all label columns, for people: each under its column's name where there are several. */
export const thresholdsText = (columns: ReadonlyArray<HeadingColumn>): string | undefined => {
  const found = columns.flatMap(({ name, threshold }) => (threshold === undefined ? [] : [{ name, threshold }]))
  const [only, ...others] = found
  if (only === undefined) return undefined
  // A number that was given is the same for all.
  if (hasOneValue(columns) || (others.length === 0 && columns.length === 1) || only.threshold.source === "given")
    return thresholdText(only.threshold)
  return found.map(({ name, threshold }) => `${visibleLine(name)}: ${thresholdText(threshold)}`).join("\n\n")
}
