import { answers, topLosses } from "../../metrics/mistakes.ts"
import type { Answer } from "../../metrics/mistakes.ts"
import { cooled } from "../../metrics/calibration.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import { textCell } from "../textCell.ts"
import type { RunFacts } from "./RunFacts.ts"

const head = ["part", "id", "file", "label", "predicted", "right", "probability", "label_probability", "loss"]

/** A cell as RFC 4180 has it. */
const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Six significant digits: no two probabilities that differ for a person become one. */
const number = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "")

interface Line extends Answer {
  readonly stored: StoredPredictions
}

const lineOf = ({ label, labelProbability, loss, predicted, probability, sample, stored }: Line) => {
  const { file, id } = stored.samples[sample]! // an answer for each sample
  const texts = [stored.part, id, file, stored.labels[label] ?? "", stored.labels[predicted] ?? ""].map(textCell)
  return [...texts, String(label === predicted), ...[probability, labelProbability, loss].map(number)]
}

const csv = (lines: ReadonlyArray<ReadonlyArray<string>>) =>
  [head, ...lines].map((cells) => `${cells.map(quoted).join(",")}\n`).join("")

/**
 * The predictions of the validation and test parts as CSV, by the probabilities as the model is used: all in the parts'
 * order, and the mistakes alone, the highest loss first. What a spreadsheet would take for a formula is text.
 */
export const predictionsCsv = ({
  report,
  test,
  validation
}: Pick<RunFacts, "report" | "test" | "validation">): { readonly predictions: string; readonly mistakes: string } => {
  const temperature = report.calibration?.temperature ?? 1
  const all = [validation, test].flatMap((stored): ReadonlyArray<Line> => {
    if (stored === undefined) return []
    const numbers = numbersOf(stored)
    return answers({ ...numbers, logits: cooled(numbers.logits, temperature) }).map((answer) => ({ ...answer, stored }))
  })
  const wrong = all.filter(({ label, predicted }) => label !== predicted)
  return {
    predictions: csv(all.map(lineOf)),
    // Ties stay in the parts' order: the numbers of the samples begin anew in each part.
    mistakes: csv(
      topLosses(
        wrong.map((line, i) => ({ ...line, sample: i })),
        wrong.length
      ).map(({ sample }) => lineOf(wrong[sample]!))
    ) // its place
  }
}
