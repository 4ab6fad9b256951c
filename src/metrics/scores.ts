import { margins } from "./Confusion.ts"
import type { Confusion } from "./Confusion.ts"

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

/** All figures of a confusion. A figure that does not exist is null, never NaN. */
export interface Scores {
  /** Null where nothing was counted. */
  readonly accuracy: number | null
  readonly weighted: Score
  readonly macro: Score
  readonly micro: Score
  readonly perClass: ReadonlyArray<ClassScore>
  readonly balancedAccuracy: number | null
  readonly cohenKappa: number | null
  readonly matthews: number | null
}

/** A quotient that counts as 0 where it does not exist: scikit-learn's `zero_division=0`. */
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** Right predictions, times predicted, and samples, to scores. F1 = 2 TP / (predicted + samples). */
const scoreOf = (correct: number, predicted: number, support: number): Score => ({
  precision: share(correct, predicted),
  recall: share(correct, support),
  f1: share(2 * correct, predicted + support)
})

/** A mean of scores with one weight each; 0 where the weights are. */
const meanOf = (all: ReadonlyArray<Score>, weights: ArrayLike<number>): Score => {
  let precision = 0
  let recall = 0
  let f1 = 0
  let sum = 0
  all.forEach((score, i) => {
    const weight = weights[i]!
    precision += weight * score.precision
    recall += weight * score.recall
    f1 += weight * score.f1
    sum += weight
  })
  return { precision: share(precision, sum), recall: share(recall, sum), f1: share(f1, sum) }
}

/**
 * Every score of a confusion, as scikit-learn has them with `zero_division=0`.
 *
 * - `weighted`: means over the classes, each weighted by its samples; `macro`: plain means over all classes, those
 *   that do not occur included, with 0 (`labels=range(classes)`); `micro`: over all predictions, where the three agree.
 * - `balancedAccuracy`: mean recall of the classes that have samples (Brodersen et al., 2010).
 * - `cohenKappa`: (observed - expected) / (1 - expected) agreement (Cohen, 1960); null where chance alone agrees
 *   always, that is where one class is all that is there and all that was predicted.
 * - `matthews`: Matthews' coefficient for many classes (Gorodkin, 2004); 0 where one side has one class only.
 */
export const scores = (confusion: Confusion): Scores => {
  const { correct, predicted, support, total } = margins(confusion)
  const perClass = Array.from(support, (samples, i) => ({
    ...scoreOf(correct[i]!, predicted[i]!, samples),
    support: samples
  }))
  const right = correct.reduce((sum, count) => sum + count, 0)
  const present = perClass.filter((score) => score.support > 0)
  // Sum over the classes of support * predicted: agreement by chance, times total squared.
  const chance = support.reduce((sum, samples, i) => sum + samples * predicted[i]!, 0)
  const squared = (counts: Float64Array) => counts.reduce((sum, count) => sum + count * count, 0)
  const spread = (total * total - squared(support)) * (total * total - squared(predicted))
  return {
    accuracy: total === 0 ? null : right / total,
    weighted: meanOf(perClass, support),
    macro: meanOf(perClass, new Float64Array(confusion.classes).fill(1)),
    micro: scoreOf(right, total, total),
    perClass,
    balancedAccuracy:
      present.length === 0 ? null : present.reduce((sum, score) => sum + score.recall, 0) / present.length,
    cohenKappa: total * total === chance ? null : (right * total - chance) / (total * total - chance),
    matthews: total === 0 ? null : spread === 0 ? 0 : (right * total - chance) / Math.sqrt(spread)
  }
}
