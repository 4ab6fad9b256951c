import { topK } from "../metrics/topK.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { evenThreshold, sigmoid } from "../metrics/multilabel.ts"
import type { PlacedColumn } from "../pipeline/LabelColumn.ts"
import type { Model, ModelColumn } from "./Model.ts"
import { unseenAmong } from "./unseenPairs.ts"

/** A class and its probability, from 0 to 1. */
export interface Candidate {
  readonly label: string
  readonly probability: number
}

/** What a model says of an image in a label column with one value. */
export interface OneAnswer {
  /** The most probable class; null where its probability is below the threshold. */
  readonly label: string | null
  readonly abstained: boolean
  /** The most probable first; together the probabilities of all classes are 1. */
  readonly classes: ReadonlyArray<Candidate>
  /**
   * Where the column has one above it, and no class of its own is probable enough: the class above, whose probability is
   * the sum of those below it.
   */
  readonly parent?: Candidate & { readonly column: string }
}

/** What a model says of an image in a label column with several values. */
export interface SeveralAnswer {
  /** The classes that apply: each as probable as its own threshold, or more; the most probable first. */
  readonly labels: ReadonlyArray<string>
  /** The most probable first; each probability is by itself. */
  readonly classes: ReadonlyArray<Candidate>
}

export type ColumnAnswer = OneAnswer | SeveralAnswer

/** Two values that were predicted for an image, and never occurred together in training. */
export interface UnseenPair {
  readonly columns: readonly [string, string]
  readonly values: readonly [string, string]
}

/** What a model says of an image: an answer for each label column, in their order. */
export interface Answer {
  readonly columns: ReadonlyArray<ColumnAnswer>
  readonly unseenPairs: ReadonlyArray<UnseenPair>
}

/** How answers are given. */
export interface AnswerOptions {
  /** How many classes of each column. */
  readonly top: number
  /** The least probability of an answer, for each column with one value; undefined: every one is answered. */
  readonly thresholds: ReadonlyArray<number | undefined>
}

/** A label column of a model. */
type Column = Omit<ModelColumn & PlacedColumn, "temperature">

/** The class above with the highest sum of its classes' probabilities. */
const above = (parent: NonNullable<ModelColumn["parent"]>, probabilities: ReadonlyArray<number>): Candidate => {
  const sums = parent.classes.map(() => 0)
  for (const [index, probability] of probabilities.entries()) {
    const at = parent.of[index] ?? null
    if (at !== null) sums[at] = elementAt(sums, at) + probability
  }
  const [best = 0] = sums.map((_, at) => at).sort((a, b) => elementAt(sums, b) - elementAt(sums, a) || a - b)
  return { label: elementAt(parent.classes, best), probability: Math.min(1, elementAt(sums, best)) }
}

const oneAnswer = (column: Column, logits: Float32Array, top: number, threshold: number | undefined) => {
  const { classes, parent } = column
  const all = topK(logits, classes.length)
  const named = all.slice(0, top).map(({ index, probability }) => ({ label: elementAt(classes, index), probability }))
  const best = elementAt(named, 0)
  // Negated, so that an answer whose probability is NaN is withheld.
  const abstained = threshold !== undefined && !(best.probability >= threshold)
  const coarse =
    abstained && parent !== undefined
      ? above(
          parent,
          all.toSorted((a, b) => a.index - b.index).map(({ probability }) => probability)
        )
      : undefined
  const answer: OneAnswer = {
    label: abstained ? null : best.label,
    abstained,
    classes: named,
    ...(parent !== undefined &&
      coarse !== undefined &&
      coarse.probability >= (threshold ?? 0) && { parent: { column: parent.name, ...coarse } })
  }
  return { answer, best: elementAt(all, 0).index }
}

const severalAnswer = ({ classes, thresholds }: Column, logits: Float32Array, top: number): SeveralAnswer => {
  const all = Array.from(logits, (logit, index) => ({
    label: elementAt(classes, index),
    probability: sigmoid(logit),
    threshold: thresholds?.[index] ?? evenThreshold
  })).sort((a, b) => b.probability - a.probability)
  return {
    labels: all.filter(({ probability, threshold }) => probability >= threshold).map(({ label }) => label),
    classes: all.slice(0, top).map(({ label, probability }) => ({ label, probability }))
  }
}

/**
 * Turns the logits of one image, those of all columns after their temperatures, into a model's answer.
 *
 * An unsure class answers with the one above it, where the column has such and that one is probable enough. Values that
 * never occurred together in training are named: one of the two is probably wrong.
 */
export const answersOf = (columns: ReadonlyArray<Column>, seenTogether: Model["seenTogether"]) => {
  const unseen = unseenAmong(seenTogether ?? [])
  const nameOf = (k: number) => elementAt(columns, k).name
  return (logits: Float32Array, { thresholds, top }: AnswerOptions): Answer => {
    const best = columns.map(() => -1)
    const answers = columns.map((column, k): ColumnAnswer => {
      const own = logits.subarray(column.from, column.to)
      if (column.values === "several") return severalAnswer(column, own, top)
      const found = oneAnswer(column, own, top, thresholds[k])
      best[k] = found.best
      return found.answer
    })
    const valueOf = (k: number) => elementAt(elementAt(columns, k).classes, elementAt(best, k))
    return {
      columns: answers,
      unseenPairs: unseen(best).map(([a, b]) => ({ columns: [nameOf(a), nameOf(b)], values: [valueOf(a), valueOf(b)] }))
    }
  }
}
