import { Stream } from "effect"
import { Csv } from "effect/encoding"
import { percent } from "../metrics/numberText.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import type { Threshold } from "../run/predict/answerThreshold.ts"
import type { Prediction } from "../run/predict/predictFiles.ts"
import { textCell } from "../run/textCell.ts"
import { table } from "./text.ts"

/** How predictions are written: for people, one JSON document a line, CSV, or one JSON document in all. */
export type Format = "table" | "jsonl" | "csv" | "json"

/** Facts about all predictions, for the head of the output. */
export interface Heading {
  readonly runs: ReadonlyArray<string>
  readonly engine: string
  readonly threshold: Threshold | undefined
  /** How many classes each prediction has. */
  readonly top: number
}

/** Longer paths push their line to the right. */
const widest = 60

const lineOf = (prediction: Prediction, width: number): string => {
  const path = visibleLine(prediction.path).padEnd(width)
  if ("error" in prediction) return `${path}  ! ${visibleLine(prediction.error)}\n`
  const classes = prediction.classes
    .map(({ label, probability }) => `${visibleLine(label)} ${percent(probability)}`)
    .join(", ")
  return `${path}  ${prediction.abstained ? "?  " : ""}${classes}\n`
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

const cellsOf = (prediction: Prediction, top: number): ReadonlyArray<string> =>
  "error" in prediction
    ? [
        textCell(prediction.path),
        "",
        "",
        prediction.reason,
        textCell(prediction.error),
        ...Array<string>(2 * top).fill("")
      ]
    : [
        textCell(prediction.path),
        textCell(prediction.label ?? ""),
        String(prediction.abstained),
        "",
        "",
        ...prediction.classes.flatMap(({ label, probability }) => [textCell(label), String(probability)])
      ]

const asCsv = <E, R>(predictions: Stream.Stream<Prediction, E, R>, top: number) => {
  const numbered = Array.from({ length: top }, (_, i) => [`class${i + 1}`, `probability${i + 1}`]).flat()
  const head = ["path", "label", "abstained", "reason", "error", ...numbered]
  return Stream.map(predictions, (prediction) => cellsOf(prediction, top)).pipe(
    Stream.prepend([head]),
    Stream.pipeThroughChannel(Csv.encodeString<E>())
  )
}

const asDocument = <E, R>(predictions: Stream.Stream<Prediction, E, R>, { engine, runs, threshold }: Heading) => {
  const head = JSON.stringify(
    { ...(runs.length === 1 ? { run: runs[0] } : { runs }), engine, threshold: threshold ?? null },
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
      return asCsv(predictions, heading.top)
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
