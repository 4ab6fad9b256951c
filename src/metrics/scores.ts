import { elementAt } from "../pipeline/elementAt.ts"
import { margins } from "./Confusion.ts"
import type { Confusion, Margins } from "./Confusion.ts"

/** Precision, recall and their harmonic mean, each from 0 to 1. */
export interface Score {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** A class's own scores, and how many samples it has. */
export interface ClassScore extends Score {
  readonly support: number
}

/** A confusion with its sums and the scores of each class: what metrics of counts are computed from. */
export interface Counts extends Confusion, Margins {
  readonly perClass: ReadonlyArray<ClassScore>
}

/** A quotient that counts as 0 where it does not exist: scikit-learn's `zero_division=0`. */
export const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** The scores of so many correct predictions, predictions and samples. F1 = 2 correct / (predicted + support). */
export const scoreOf = (correct: number, predicted: number, support: number): Score => ({
  precision: share(correct, predicted),
  recall: share(correct, support),
  f1: share(2 * correct, predicted + support)
})

/** The scores of each class by its counts. */
export const scoresOf = ({
  correct,
  predicted,
  support
}: Pick<Margins, "correct" | "predicted" | "support">): ReadonlyArray<ClassScore> =>
  Array.from(support, (samples, i) => ({
    ...scoreOf(elementAt(correct, i), elementAt(predicted, i), samples),
    support: samples
  }))

/** What metrics of counts are computed from. */
export const countsOf = (confusion: Confusion): Counts => {
  const sums = margins(confusion)
  return { ...confusion, ...sums, perClass: scoresOf(sums) }
}

/** Precision, recall, F1 and samples of each class, as scikit-learn has them with `zero_division=0`. */
export const scores = (confusion: Confusion): ReadonlyArray<ClassScore> => countsOf(confusion).perClass
