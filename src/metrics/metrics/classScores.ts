import { elementAt } from "../../pipeline/elementAt.ts"
import type { Counts, Score } from "../scores.ts"
import { scoreOf, share } from "../scores.ts"
import type { CountMetric, FoundSeveral, IntervalMethod } from "./Metric.ts"
import { everywhere } from "./Metric.ts"

type Average = "weighted" | "macro" | "micro"

/** A mean over the classes with one weight each; 0 where the weights are. */
const mean = ({ perClass }: Pick<Counts, "perClass">, score: keyof Score, weights: ArrayLike<number>): number => {
  let sum = 0
  let whole = 0
  perClass.forEach((one, i) => {
    const weight = elementAt(weights, i)
    sum += weight * one[score]
    whole += weight
  })
  return share(sum, whole)
}

const sumOf = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0)

interface Averaging {
  readonly meaning: string
  readonly of: (counts: Counts, score: keyof Score) => number
  /** Where several classes may apply at once. */
  readonly several: (found: FoundSeveral, score: keyof Score) => number
}

const averages: Readonly<Record<Average, Averaging>> = {
  weighted: {
    meaning: "mean over the classes, each weighted by its samples",
    of: (counts, score) => mean(counts, score, counts.support),
    several: (found, score) => mean(found, score, found.support)
  },
  macro: {
    meaning: "plain mean over all classes; one that does not occur counts with 0",
    of: (counts, score) => mean(counts, score, new Float64Array(counts.classes).fill(1)),
    several: (found, score) => mean(found, score, new Float64Array(found.classes).fill(1))
  },
  micro: {
    meaning:
      "of all predictions together, where precision, recall and F1 are the accuracy, unless several classes may apply at once",
    of: ({ correct, total }, score) => scoreOf(sumOf(correct), total, total)[score],
    several: ({ correct, predicted, support }, score) =>
      scoreOf(sumOf(correct), sumOf(predicted), sumOf(support))[score]
  }
}

const scoreFacts: Readonly<Record<keyof Score, { readonly title: string; readonly meaning: string }>> = {
  precision: { title: "precision", meaning: "correct predictions of a class over all predictions of it" },
  recall: { title: "recall", meaning: "correct predictions of a class over its samples" },
  f1: { title: "F1", meaning: "harmonic mean of precision and recall" }
}

/** Source: scikit-learn's `precision_recall_fscore_support(labels=range(classes), zero_division=0)`. */
const averaged = <A extends Average, S extends keyof Score>(
  average: A,
  score: S,
  more: Partial<CountMetric<`${A}.${S}`, "number">> = {}
): CountMetric<`${A}.${S}`, "number"> => ({
  path: `${average}.${score}`,
  presence: "number",
  title: `${average} ${scoreFacts[score].title}`,
  meaning: `${scoreFacts[score].meaning}: ${averages[average].meaning}`,
  source: "scikit-learn's `precision_recall_fscore_support`, `zero_division=0`",
  range: [0, 1],
  better: "higher",
  unit: "%",
  decimals: 1,
  shown: [],
  of: "counts",
  value: (counts) => averages[average].of(counts, score),
  several: (found) => averages[average].several(found, score),
  ...more
})

/**
 * The derivatives of each class's F1 with respect to the counts, and those of their mean.
 *
 * With TP, S and P a class's correct predictions, samples and predictions: F = 2 TP / (S + P), so that
 * dF = (2 dTP - F (dS + dP)) / (S + P). One sample more changes the F1 of two classes: of its own, and of the predicted.
 */
const f1Slopes =
  (
    of: (
      counts: Counts,
      f1: Float64Array
    ) => (at: { row: number; column: number; ofRow: number; ofColumn: number }) => number
  ): Extract<IntervalMethod, { method: "delta method" }>["slopeAt"] =>
  (counts) => {
    const { correct, predicted, support } = counts
    const size = support.map((samples, i) => samples + elementAt(predicted, i))
    const f1 = correct.map((right, i) => share(2 * right, elementAt(size, i)))
    const slope = of(counts, f1)
    return (row, column) => {
      const isRight = row === column
      const own = elementAt(f1, row)
      const ofRow = ((isRight ? 2 - own : 0) - own) / elementAt(size, row)
      // A class that is predicted has a size above 0.
      const ofColumn = isRight ? 0 : -elementAt(f1, column) / elementAt(size, column)
      return slope({ row, column, ofRow, ofColumn })
    }
  }

export const weightedPrecision = averaged("weighted", "precision")
export const weightedRecall = averaged("weighted", "recall")
export const weightedF1 = averaged("weighted", "f1", {
  shown: everywhere,
  huggingFace: "f1",
  interval: {
    method: "delta method",
    slopeAt: f1Slopes(({ support, total }, f1) => {
      const weighted = support.reduce((sum, samples, i) => sum + samples * elementAt(f1, i), 0) / total
      return ({ column, ofColumn, ofRow, row }) =>
        (elementAt(f1, row) + elementAt(support, row) * ofRow + elementAt(support, column) * ofColumn - weighted) /
        total
    })
  }
})
export const macroPrecision = averaged("macro", "precision")
export const macroRecall = averaged("macro", "recall")
export const macroF1 = averaged("macro", "f1", {
  shown: everywhere,
  interval: {
    method: "delta method",
    slopeAt: f1Slopes(
      ({ classes }) =>
        ({ ofColumn, ofRow }) =>
          (ofRow + ofColumn) / classes
    )
  }
})
export const microPrecision = averaged("micro", "precision")
export const microRecall = averaged("micro", "recall")
export const microF1 = averaged("micro", "f1")
