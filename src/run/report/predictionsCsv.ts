import { answers, topLosses } from "../../metrics/mistakes.ts"
import { cooled } from "../../metrics/calibration.ts"
import { evenThreshold, multilabelLosses, predictedClasses } from "../../metrics/multilabel.ts"
import { rowsOf } from "../../metrics/rowsOf.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { multilabelOf, numbersOf } from "../../model/StoredPredictions.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { textCell } from "../textCell.ts"
import { columnFacts } from "./columnFacts.ts"
import type { RunFacts } from "./RunFacts.ts"

const head = ["part", "id", "file", "label", "predicted", "right", "probability", "label_probability", "loss"]

/** A cell as RFC 4180 has it. */
const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Six significant digits: no two probabilities that differ for a person become one. */
const number = (value: number | undefined) =>
  value !== undefined && Number.isFinite(value) ? String(Number(value.toPrecision(6))) : ""

/** One prediction, of a sample in a label column. */
interface Line {
  /** The label column, where there are several. */
  readonly column: string | undefined
  readonly part: string
  readonly id: string
  readonly file: string
  readonly label: string
  readonly predicted: string
  readonly isRight: boolean
  /** Of the predicted class and of the true one; none where a sample has several. */
  readonly probability?: number
  readonly labelProbability?: number
  readonly loss: number
}

const cellsOf = (line: Line): ReadonlyArray<string> => {
  const { column, file, id, isRight, label, labelProbability, loss, part, predicted, probability } = line
  const texts = [...(column === undefined ? [] : [column]), part, id, file, label, predicted]
  return [...texts.map(textCell), String(isRight), number(probability), number(labelProbability), number(loss)]
}

const linesOfOne = (
  stored: StoredPredictions,
  temperature: number,
  column: string | undefined
): ReadonlyArray<Line> => {
  const numbers = numbersOf(stored)
  const logits = cooled(numbers.logits, temperature)
  return answers({ ...numbers, logits }).map(({ label, labelProbability, loss, predicted, probability, sample }) => {
    const { file, id } = elementAt(stored.samples, sample)
    return {
      column,
      part: stored.part,
      id,
      file,
      label: elementAt(stored.labels, label),
      predicted: elementAt(stored.labels, predicted),
      isRight: label === predicted,
      probability,
      labelProbability,
      loss
    }
  })
}

/** What is between the classes of a cell. */
const between = "; "

const linesOfSeveral = (
  stored: StoredPredictions,
  temperature: number,
  thresholds: ReadonlyArray<number>,
  column: string
): ReadonlyArray<Line> => {
  const { classes, labels, logits: raw } = multilabelOf(stored)
  const logits = cooled(raw, temperature)
  const found = rowsOf(predictedClasses(logits, classes, thresholds), classes)
  const losses = multilabelLosses(logits, labels, classes)
  const text = (row: Uint8Array) => stored.labels.filter((_, c) => row[c] === 1).join(between)
  return rowsOf(labels, classes).map((row, i): Line => {
    const { file, id } = elementAt(stored.samples, i)
    const own = elementAt(found, i)
    return {
      column,
      part: stored.part,
      id,
      file,
      label: text(row),
      predicted: text(own),
      isRight: row.every((known, c) => known === own[c]),
      loss: elementAt(losses, i)
    }
  })
}

const csv = (lines: ReadonlyArray<Line>, isOfColumns: boolean) =>
  [isOfColumns ? ["column", ...head] : head, ...lines.map(cellsOf)]
    .map((cells) => `${cells.map(quoted).join(",")}\n`)
    .join("")

/**
 * The predictions of the validation and test parts as CSV, by the probabilities as the model is used: all in the parts'
 * order, and the mistakes alone, the highest loss first. Of several label columns there is a row for each sample and
 * column, one column after the other. What a spreadsheet would take for a formula is text.
 */
export const predictionsCsv = (facts: RunFacts): { readonly predictions: string; readonly mistakes: string } => {
  const columns = columnFacts(facts)
  const parts = ({ test, validation }: RunFacts) => [validation, test].filter((part) => part !== undefined)
  const all =
    columns.length === 0
      ? parts(facts).flatMap((stored) => linesOfOne(stored, facts.report.calibration?.temperature ?? 1, undefined))
      : columns.flatMap(({ facts, name, values }) => {
          const temperature = facts.report.calibration?.temperature ?? 1
          const thresholds = (facts.report.test?.perClass ?? []).map(({ threshold }) => threshold ?? evenThreshold)
          return parts(facts).flatMap((stored) =>
            values === "one"
              ? linesOfOne(stored, temperature, name)
              : linesOfSeveral(stored, temperature, thresholds, name)
          )
        })
  const wrong = all.filter(({ isRight }) => !isRight)
  return {
    predictions: csv(all, columns.length > 0),
    mistakes: csv(
      // Ties stay in their order.
      topLosses(
        wrong.map((line, sample) => ({ ...line, sample })),
        wrong.length
      ),
      columns.length > 0
    )
  }
}
