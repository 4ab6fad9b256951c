import { margins } from "./Confusion.ts"
import type { Confusion } from "./Confusion.ts"
import { scores } from "./scores.ts"
import type { ClassScore } from "./scores.ts"

/** One class that was taken for another. */
export interface ConfusedPair {
  /** Labels. */
  readonly trueLabel: string
  readonly predictedLabel: string
  /** How often. */
  readonly count: number
  /** Share of the true class's samples, above 0 to 1. */
  readonly share: number
}

/**
 * The pairs of classes that were confused most often, at most `limit` of them. `labels` are the classes' names.
 *
 * By count, then by share of the true class, then in the classes' order.
 */
export const confusedPairs = (
  confusion: Confusion,
  labels: ReadonlyArray<string>,
  limit: number
): ReadonlyArray<ConfusedPair> => {
  const { classes, counts } = confusion
  const { support } = margins(confusion)
  const pairs: Array<ConfusedPair> = []
  counts.forEach((count, i) => {
    const row = Math.floor(i / classes)
    const column = i % classes
    if (count > 0 && row !== column)
      pairs.push({ trueLabel: labels[row]!, predictedLabel: labels[column]!, count, share: count / support[row]! })
  })
  return pairs.sort((a, b) => b.count - a.count || b.share - a.share).slice(0, limit)
}

/** A class's scores with its label. */
export interface LabelScore extends ClassScore {
  readonly label: string
}

/**
 * The classes that were learned least, at most `limit` of them; classes without samples are left out.
 *
 * By F1, then by recall, then the larger class first, then in the classes' order.
 */
export const hardestClasses = (
  confusion: Confusion,
  labels: ReadonlyArray<string>,
  limit: number
): ReadonlyArray<LabelScore> =>
  scores(confusion)
    .perClass.map((score, i) => ({ label: labels[i]!, ...score }))
    .filter((score) => score.support > 0)
    .sort((a, b) => a.f1 - b.f1 || a.recall - b.recall || b.support - a.support)
    .slice(0, limit)
