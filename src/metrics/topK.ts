import { softmax } from "./crossEntropy.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { rowsOf } from "./rowsOf.ts"

/** Whether class `a` with the logit `x` comes before `b` with `y`; ties go to the lower index, NaN is below everything. */
const before = (x: number, a: number, y: number, b: number): boolean => {
  if (Number.isNaN(y)) return !Number.isNaN(x) || a < b
  return x === y ? a < b : x > y
}

/** The predicted class of each row of logits (rows, classes): the highest, at ties the lowest index. */
export const predictions = (logits: Float32Array, classes: number): Int32Array =>
  Int32Array.from(rowsOf(logits, classes), (row) => {
    let best = 0
    let highest = Number.NaN
    let at = 0
    for (const logit of row) {
      if (at === 0 || before(logit, at, highest, best)) {
        best = at
        highest = logit
      }
      at++
    }
    return best
  })

/**
 * How many rows have their true class among the k highest logits. `logits` is (labels.length, classes), row by row.
 *
 * With `k = 1` it counts the rows whose `predictions` are correct: ties are broken in the same way.
 */
export const topKCorrect = (logits: Float32Array, labels: ArrayLike<number>, classes: number, k: number): number => {
  let correct = 0
  for (const [i, row] of rowsOf(logits, classes).entries()) {
    const label = elementAt(labels, i)
    const own = elementAt(row, label)
    let ahead = 0
    let at = 0
    for (const logit of row) {
      if (at !== label && before(logit, at, own, label)) ahead++
      if (ahead === k) break
      at++
    }
    if (ahead < k) correct++
  }
  return correct
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
  return Array.from(logits, (logit, index) => ({ logit, index }))
    .sort((a, b) => (before(a.logit, a.index, b.logit, b.index) ? -1 : 1))
    .slice(0, k)
    .map(({ index }) => ({ index, probability: elementAt(probabilities, index) }))
}
