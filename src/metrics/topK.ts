import { softmax } from "./crossEntropy.ts"
import type { Batch } from "../pipeline/Batch.ts"

/** Whether class `a` comes before class `b` in a row of logits; ties go to the lower index, NaN is below everything. */
const before = (logits: Float32Array, row: number, a: number, b: number): boolean => {
  const x = logits[row + a]!
  const y = logits[row + b]!
  if (Number.isNaN(y)) return !Number.isNaN(x) || a < b
  return x === y ? a < b : x > y
}

/** The predicted class of each row of logits (rows, classes): the highest, at ties the lowest index. */
export const predictions = (logits: Float32Array, classes: number): Int32Array =>
  Int32Array.from({ length: logits.length / classes }, (_, i) => {
    let best = 0
    for (let j = 1; j < classes; j++) if (before(logits, i * classes, j, best)) best = j
    return best
  })

/**
 * How many rows have their true class among the k highest logits. `logits` is (labels.length, classes), row by row.
 *
 * With `k = 1` it counts the rows whose `predictions` are correct: ties are broken in the same way.
 */
export const topKCorrect = (logits: Float32Array, labels: ArrayLike<number>, classes: number, k: number): number => {
  let correct = 0
  for (let i = 0; i < labels.length; i++) {
    let ahead = 0
    for (let j = 0; j < classes && ahead < k; j++)
      if (j !== labels[i]! && before(logits, i * classes, j, labels[i]!)) ahead++
    if (ahead < k) correct++
  }
  return correct
}

/**
 * Correct predictions of a batch; where an image is mixed of two, each label counts by its share. Source: Zhang et al.'s own code
 * for mixup, 2017.
 */
export const batchCorrect = (
  logits: Float32Array,
  { labels, mix }: Pick<Batch, "labels" | "mix">,
  classes: number
): number => {
  if (mix === undefined) return topKCorrect(logits, labels, classes, 1)
  return predictions(logits, classes).reduce((sum, predicted, row) => {
    const share = mix.shares[row]! // one for each row
    return sum + (predicted === labels[row] ? share : 0) + (predicted === mix.labels[row] ? 1 - share : 0)
  }, 0)
}

/** A class and how probable it is. */
export interface Candidate {
  /** Index of the class. */
  readonly index: number
  /** From 0 to 1; all classes together have 1. */
  readonly probability: number
}

/** The k most probable classes of one row of logits (all of them where there are fewer), the most probable first. */
export const topK = (logits: Float32Array, k: number): ReadonlyArray<Candidate> => {
  const probabilities = softmax(logits, logits.length)
  return Array.from(logits, (_, index) => index)
    .sort((a, b) => (before(logits, 0, a, b) ? -1 : 1))
    .slice(0, k)
    .map((index) => ({ index, probability: probabilities[index]! }))
}
