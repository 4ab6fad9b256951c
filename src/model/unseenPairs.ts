import { predictions } from "../metrics/topK.ts"
import type { UnseenPairs } from "../metrics/Report.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { logitsOfColumn } from "../pipeline/LabelColumn.ts"
import type { SeenTogether } from "./Model.ts"
import type { StoredPredictions } from "./StoredPredictions.ts"
import { columnsOf } from "./StoredPredictions.ts"

/** The most pairs that a report lists. */
const listed = 1000

/** The pairs of columns whose predicted classes (one index for each column) never occurred together in training. */
export const unseenAmong = (
  seenTogether: ReadonlyArray<SeenTogether>
): ((predicted: ReadonlyArray<number>) => ReadonlyArray<SeenTogether["columns"]>) => {
  const seen = seenTogether.map(({ columns, pairs }) => ({ columns, known: new Set(pairs.map((pair) => pair.join())) }))
  return (predicted) =>
    seen.flatMap(({ columns, known }) =>
      known.has(columns.map((column) => elementAt(predicted, column)).join()) ? [] : [columns]
    )
}

/**
 * The samples for which two predicted values never occurred together in training, and how often a prediction is wrong
 * among them and among the others.
 */
export const unseenPairs = (stored: StoredPredictions, seenTogether: ReadonlyArray<SeenTogether>): UnseenPairs => {
  const columns = columnsOf(stored)
  const found = columns.map(({ classes, index, values }) =>
    values === "one" ? predictions(logitsOfColumn(stored.logits, columns, index), classes.length) : undefined
  )
  const unseen = unseenAmong(seenTogether)
  let flagged = 0
  const wrong = { flagged: 0, others: 0 }
  const pairs: Array<UnseenPairs["pairs"][number]> = []
  for (const [row, { id, labels = [] }] of stored.samples.entries()) {
    const predicted = found.map((classes) => classes?.[row] ?? 0)
    const valueOf = (k: number) => elementAt(elementAt(columns, k).classes, elementAt(predicted, k))
    /** Whether a prediction is wrong; undefined where the label is not known, or has several values. */
    const isWrong = (k: number) => {
      const [label] = labels[k] ?? []
      return found[k] === undefined || label === undefined ? undefined : label !== predicted[k]
    }
    const own = unseen(predicted)
    if (own.length > 0) flagged++
    if (columns.some(({ index }) => isWrong(index) === true)) wrong[own.length > 0 ? "flagged" : "others"]++
    for (const [a, b] of own) {
      if (pairs.length === listed) break
      const known = [isWrong(a), isWrong(b)].filter((is) => is !== undefined)
      pairs.push({
        id,
        columns: [elementAt(columns, a).name, elementAt(columns, b).name],
        values: [valueOf(a), valueOf(b)],
        wrong: known.length === 0 ? null : known.includes(true)
      })
    }
  }
  return { samples: stored.samples.length, flagged, wrong, pairs }
}
