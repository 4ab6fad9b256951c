import { elementAt } from "../pipeline/elementAt.ts"
import { margins } from "./Confusion.ts"
import type { Confusion } from "./Confusion.ts"
import { scores } from "./scores.ts"
import type { ClassScore } from "./scores.ts"

/**
 * Classes with fewer samples than this come last in lists of the worst classes: of a class with one sample, one mistake is
 * 100 %. With ten samples, the 95 % interval (Wilson's) of a share of a half is still 0.53 wide.
 */
export const enoughSamples = 10

/** A class, and another as which it was predicted. */
export interface ConfusedPair {
  /** Labels. */
  readonly trueLabel: string
  readonly predictedLabel: string
  /** How often. */
  readonly count: number
  /** Share of the true class's samples, above 0 to 1. */
  readonly share: number
  /** Samples of the true class. */
  readonly support: number
}

/** Orders classes with enough samples before the others. */
export const enoughFirst = (a: { readonly support: number }, b: { readonly support: number }): number =>
  Number(b.support >= enoughSamples) - Number(a.support >= enoughSamples)

/** A heading's note on the order of a list that is sorted by `enoughFirst`. */
export const boundOf = (found: ReadonlyArray<{ readonly support: number }>): string =>
  found.some(({ support }) => support >= enoughSamples)
    ? `classes with ${enoughSamples} or more samples first`
    : `each of fewer than ${enoughSamples} samples: little is known`

/**
 * The pairs of classes that were confused most often, at most `limit` of them. `labels` are the classes' names.
 *
 * Those whose true class has enough samples come first; then by count, by share of the true class, and in the classes'
 * order.
 */
export const confusedPairs = (
  confusion: Confusion,
  labels: ReadonlyArray<string>,
  limit: number
): ReadonlyArray<ConfusedPair> => {
  const { classes, counts } = confusion
  const sums = margins(confusion)
  const pairs: Array<ConfusedPair> = []
  counts.forEach((count, i) => {
    const row = Math.floor(i / classes)
    const column = i % classes
    if (count === 0 || row === column) return
    const support = elementAt(sums.support, row)
    const [trueLabel, predictedLabel] = [elementAt(labels, row), elementAt(labels, column)]
    pairs.push({ trueLabel, predictedLabel, count, share: count / support, support })
  })
  return pairs.sort((a, b) => enoughFirst(a, b) || b.count - a.count || b.share - a.share).slice(0, limit)
}

/** A class's scores with its label. */
export interface LabelScore extends ClassScore {
  readonly label: string
}

/**
 * The classes with the lowest scores, at most `limit` of them; classes without samples are left out.
 *
 * Those with enough samples come first; then by F1, by recall, the larger class first, and in the classes' order.
 */
export const hardestClasses = (
  confusion: Confusion,
  labels: ReadonlyArray<string>,
  limit: number
): ReadonlyArray<LabelScore> =>
  scores(confusion)
    .map((score, i) => ({ label: elementAt(labels, i), ...score }))
    .filter((score) => score.support > 0)
    .sort((a, b) => enoughFirst(a, b) || a.f1 - b.f1 || a.recall - b.recall || b.support - a.support)
    .slice(0, limit)
