import { elementAt } from "../pipeline/elementAt.ts"
import { rowsOf } from "./rowsOf.ts"

/** How often each class was predicted as each class. Counts, so that the confusions of several parts can be added. */
export interface Confusion {
  /** Number of classes. */
  readonly classes: number
  /** (classes, classes) row by row: rows are the true classes, columns the predicted ones. Whole numbers. */
  readonly counts: Float64Array
}

/** No predictions; the neutral element of `combine`. */
export const empty = (classes: number): Confusion => ({ classes, counts: new Float64Array(classes * classes) })

/**
 * The counts with some more predictions: one true and one predicted class index for each sample.
 *
 * Throws a RangeError where the two differ in length or name a class that does not exist.
 */
export const add = (confusion: Confusion, trueLabels: ArrayLike<number>, predicted: ArrayLike<number>): Confusion => {
  const { classes } = confusion
  if (trueLabels.length !== predicted.length)
    throw new RangeError(`${trueLabels.length} true labels, but ${predicted.length} predicted ones`)
  const counts = confusion.counts.slice()
  for (let i = 0; i < trueLabels.length; i++) {
    const row = elementAt(trueLabels, i)
    const column = elementAt(predicted, i)
    // Negated, so that a NaN is refused too. Otherwise a wrong index would count in another class's row.
    if (!(row >= 0 && row < classes && column >= 0 && column < classes))
      throw new RangeError(`class ${row} predicted as class ${column}, but there are ${classes} classes`)
    const cell = row * classes + column
    counts[cell] = elementAt(counts, cell) + 1
  }
  return { classes, counts }
}

/** The counts of two parts together: associative and commutative. Throws where the numbers of classes differ. */
export const combine = (a: Confusion, b: Confusion): Confusion => {
  if (a.classes !== b.classes)
    throw new RangeError(`counts of ${a.classes} classes and of ${b.classes} classes cannot be added`)
  return { classes: a.classes, counts: a.counts.map((count, i) => count + elementAt(b.counts, i)) }
}

/** The sums of a confusion's rows and columns, and its diagonal. */
export interface Margins {
  /** Samples of each class. */
  readonly support: Float64Array
  /** Times that each class was predicted. */
  readonly predicted: Float64Array
  /** Times that it was predicted correctly. */
  readonly correct: Float64Array
  readonly total: number
}

/** The sums that metrics are computed from. */
export const margins = ({ classes, counts }: Confusion): Margins => {
  const all = rowsOf(counts, classes)
  const sum = (some: Iterable<number>) => {
    let whole = 0
    for (const count of some) whole += count
    return whole
  }
  return {
    support: Float64Array.from(all, sum),
    predicted: Float64Array.from(all, (_, column) => sum(all.map((row) => elementAt(row, column)))),
    correct: Float64Array.from(all, (row, i) => elementAt(row, i)),
    total: sum(counts)
  }
}

/** The counts row by row, as the report has them. */
export const rows = ({ classes, counts }: Confusion): ReadonlyArray<ReadonlyArray<number>> =>
  rowsOf(counts, classes).map((row) => [...row])

/** The confusion with these rows: the inverse of `rows`. Throws a RangeError where they are not square. */
export const fromRows = (rows: ReadonlyArray<ReadonlyArray<number>>): Confusion => {
  const classes = rows.length
  if (rows.some((row) => row.length !== classes)) throw new RangeError(`a confusion of ${classes} rows is not square`)
  return { classes, counts: Float64Array.from(rows.flat()) }
}
