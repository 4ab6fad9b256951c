import { elementAt } from "../pipeline/elementAt.ts"
import type { Mix } from "../pipeline/Batch.ts"
import type { ColumnLabels, LabelColumn } from "../pipeline/LabelColumn.ts"
import { logitsOfColumn } from "../pipeline/LabelColumn.ts"
import type { Predictions } from "./calibration.ts"
import * as Evaluation from "./Evaluation.ts"
import * as Multilabel from "./multilabel.ts"
import type { MultilabelPredictions } from "./multilabel.ts"
import { predictions } from "./topK.ts"

/** The predictions of some samples in one label column. */
export type ColumnPredictions = Predictions | MultilabelPredictions

/** What was measured in one label column; the sums of parts can be added. */
export type ColumnEvaluation = Evaluation.Evaluation | Multilabel.MultilabelEvaluation

/** What was measured in each label column, in their order. */
export type ColumnsEvaluation = ReadonlyArray<ColumnEvaluation>

/** The labels of a batch in each label column. */
export const batchLabels = (batch: {
  readonly labels: Int32Array
  readonly columns?: ReadonlyArray<ColumnLabels>
}): ReadonlyArray<ColumnLabels> => batch.columns ?? [{ values: "one", labels: batch.labels }]

/** Whether a sample's label is known. */
const isKnown = (labels: ColumnLabels, row: number): boolean =>
  labels.values === "one" ? elementAt(labels.labels, row) >= 0 : labels.known[row] === 1

const rowsIn = (labels: ColumnLabels): number => (labels.values === "one" ? labels.labels.length : labels.known.length)

const joined = <A extends Int32Array | Uint8Array>(empty: A, parts: ReadonlyArray<A>): A => {
  const whole = empty.slice() as A // a copy is of the same type
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The labels of batches in a column, one after the other; none of no batch. */
export const joinLabels = (
  { values }: Pick<LabelColumn, "values">,
  parts: ReadonlyArray<ColumnLabels>
): ColumnLabels => {
  const sizeOf = (all: ReadonlyArray<Int32Array | Uint8Array>) => all.reduce((sum, { length }) => sum + length, 0)
  if (values === "one") {
    const labels = parts.flatMap((part) => (part.values === "one" ? [part.labels] : []))
    return { values, labels: joined(new Int32Array(sizeOf(labels)), labels) }
  }
  const several = parts.flatMap((part) => (part.values === "several" ? [part] : []))
  const labels = several.map((part) => part.labels)
  const known = several.map((part) => part.known)
  return {
    values,
    labels: joined(new Uint8Array(sizeOf(labels)), labels),
    known: joined(new Uint8Array(sizeOf(known)), known)
  }
}

/** The rows of an array (rows, width) whose label is known; the array itself where all are. */
const knownRows = <A extends Float32Array | Uint8Array>(values: A, labels: ColumnLabels): A => {
  const rows = rowsIn(labels)
  const width = values.length / rows
  let known = 0
  for (let row = 0; row < rows; row++) if (isKnown(labels, row)) known++
  // A filtered typed array is of the same type.
  return known === rows ? values : (values.filter((_, at) => isKnown(labels, Math.floor(at / width))) as A)
}

/** The predictions of the samples whose label is known in a column: `logits` (samples, its classes), and their labels. */
export const knownPredictions = (classes: number, logits: Float32Array, labels: ColumnLabels): ColumnPredictions =>
  labels.values === "one"
    ? { classes, logits: knownRows(logits, labels), labels: labels.labels.filter((label) => label >= 0) }
    : { values: "several", classes, logits: knownRows(logits, labels), labels: knownRows(labels.labels, labels) }

/** No predictions; the neutral element of `combine`. */
export const empty = (columns: ReadonlyArray<LabelColumn>): ColumnsEvaluation =>
  columns.map(({ classes, values }) =>
    values === "one" ? Evaluation.empty(classes.length) : Multilabel.empty(classes.length)
  )

/**
 * The evaluation with one batch more: `logits` are those of all columns, row by row. A label that is not known counts in
 * nothing; classes of a column with several values are predicted from their thresholds on, or else from one half.
 */
export const add = (
  evaluation: ColumnsEvaluation,
  columns: ReadonlyArray<LabelColumn & { readonly thresholds?: ReadonlyArray<number> }>,
  logits: Float32Array,
  labels: ReadonlyArray<ColumnLabels>
): ColumnsEvaluation =>
  evaluation.map((sum, k) => {
    const { classes, thresholds } = elementAt(columns, k)
    const own = logitsOfColumn(logits, columns, k)
    const found = knownPredictions(classes.length, own, elementAt(labels, k))
    if ("values" in found) return "values" in sum ? Multilabel.add(sum, found.logits, found.labels, thresholds) : sum
    return "values" in sum ? sum : Evaluation.add(sum, found.logits, found.labels)
  })

/** The evaluation of two parts together; see `Evaluation.combine`. */
export const combine = (a: ColumnsEvaluation, b: ColumnsEvaluation): ColumnsEvaluation =>
  a.map((one, k) => {
    const other = elementAt(b, k)
    if ("values" in one) return "values" in other ? Multilabel.combine(one, other) : one
    return "values" in other ? one : Evaluation.combine(one, other)
  })

/** The accuracy of one column, or null; of one with several values, the share of samples whose classes are all right. */
export const accuracyOfColumn = (one: ColumnEvaluation): number | null =>
  "values" in one ? (one.samples === 0 ? null : one.exact / one.samples) : Evaluation.accuracyOf(one)

/**
 * The loss of all columns (nats): the sum of theirs, each by its weight (1 where left out). A column of which no sample is
 * known adds nothing; null where that is so of all, or where a loss is not a finite number.
 */
export const lossOf = (evaluation: ColumnsEvaluation, weights?: ReadonlyArray<number>): number | null => {
  let sum = 0
  const known = evaluation.filter(({ samples }) => samples > 0)
  for (const [k, one] of evaluation.entries()) {
    if (one.samples === 0) continue
    const loss = Evaluation.lossOf(one)
    if (loss === null) return null
    sum += (weights?.[k] ?? 1) * loss
  }
  return known.length === 0 ? null : sum
}

/** The mean of the columns' accuracies, or null; columns of which no sample is known are left out. */
export const accuracyOf = (evaluation: ColumnsEvaluation): number | null => {
  const accuracies = evaluation.map(accuracyOfColumn).filter((accuracy) => accuracy !== null)
  return accuracies.length === 0 ? null : accuracies.reduce((sum, one) => sum + one, 0) / accuracies.length
}

/** The loss and the accuracy of each column, by its name; undefined where there is one column. */
export const byColumn = (columns: ReadonlyArray<LabelColumn>, evaluation: ColumnsEvaluation) =>
  columns.length === 1
    ? undefined
    : Object.fromEntries(
        columns.map(({ name }, k) => {
          const one = elementAt(evaluation, k)
          return [name, { loss: Evaluation.lossOf(one), accuracy: accuracyOfColumn(one) }] as const
        })
      )

/** Correct predictions of a training batch in a column, and how many there could have been. */
export interface Correct {
  readonly correct: number
  readonly seen: number
}

/** For each row, whether the prediction is that of row `other`, and whether that is known. */
const judge = (classes: number, logits: Float32Array, labels: ColumnLabels) => {
  if (labels.values === "one") {
    const found = predictions(logits, classes)
    return (row: number, other: number) => found[row] === labels.labels[other]
  }
  const found = Multilabel.predictedClasses(logits, classes)
  return (row: number, other: number) => {
    for (let c = 0; c < classes; c++) if (found[row * classes + c] !== labels.labels[other * classes + c]) return false
    return true
  }
}

/**
 * Correct predictions of a batch in each column; where an image is mixed of two, each one's label counts by its share, and
 * what is not known does not count. Source: Zhang et al.'s own code for mixup, 2017.
 */
export const batchCorrect = (
  columns: ReadonlyArray<LabelColumn>,
  logits: Float32Array,
  labels: ReadonlyArray<ColumnLabels>,
  mix?: Mix
): ReadonlyArray<Correct> =>
  columns.map(({ classes }, k) => {
    const own = elementAt(labels, k)
    const isRight = judge(classes.length, logitsOfColumn(logits, columns, k), own)
    let correct = 0
    let seen = 0
    for (let row = 0; row < rowsIn(own); row++) {
      const share = mix === undefined ? 1 : elementAt(mix.shares, row)
      const other = mix === undefined ? row : elementAt(mix.partners, row)
      for (const [from, part] of [
        [row, share],
        [other, 1 - share]
      ] as const) {
        if (part === 0 || !isKnown(own, from)) continue
        seen += part
        if (isRight(row, from)) correct += part
      }
    }
    return { correct, seen }
  })
