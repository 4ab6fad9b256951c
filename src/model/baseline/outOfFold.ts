import { Effect } from "effect"
import { rowLosses } from "../../metrics/crossEntropy.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { report } from "../../pipeline/Progress.ts"
import { fitLogistic, logitsOf, strengths } from "./logistic.ts"
import { principal, usualDirections } from "./principal.ts"
import type { Labelled, Matrix } from "./Products.ts"
import { rowsFrom } from "./Products.ts"
import { standardise } from "./standardise.ts"

/** Rows with their classes, each in a fold. */
export interface Folded extends Labelled {
  /** From 0; every fold has a row. */
  readonly folds: Int32Array
}

/** Some rows of a matrix, by their indexes. */
const rowsAt = (matrix: Matrix, rows: ReadonlyArray<number>): Matrix => {
  const { columns } = matrix
  const data = new Float32Array(rows.length * columns)
  for (const [at, row] of rows.entries()) data.set(rowsFrom(matrix, row, row + 1).data, at * columns)
  return { rows: rows.length, columns, data }
}

/**
 * The logits (rows, classes) of each row by a multinomial logistic regression that was fitted to the other folds, and has
 * not seen the row's label.
 *
 * All regressions have one strength of the penalty: the one of five with which the first fold's labels are the most
 * probable. Means and deviations of the features, and the directions in which they vary, are those of all rows: no label is
 * in them.
 */
export const outOfFold = Effect.fn("outOfFold")(function* ({ features, folds, labels }: Folded, classes: number) {
  const scaled = standardise(features)(features)
  const along = yield* principal(scaled, usualDirections)
  const count = folds.reduce((most, fold) => Math.max(most, fold), -1) + 1
  const result = new Float32Array(features.rows * classes)
  let tried: ReadonlyArray<number> = strengths
  for (let fold = 0; fold < count; fold++) {
    const [own, others]: [Array<number>, Array<number>] = [[], []]
    for (const [row, of] of folds.entries()) (of === fold ? own : others).push(row)
    const labelsOf = (rows: ReadonlyArray<number>) => Int32Array.from(rows, (row) => elementAt(labels, row))
    const fitted = yield* fitLogistic(
      { features: rowsAt(scaled, others), labels: labelsOf(others) },
      classes,
      tried,
      along
    )
    const held = rowsAt(scaled, own)
    const heldLabels = labelsOf(own)
    const measured = yield* Effect.forEach(fitted, (one) =>
      Effect.map(logitsOf(held, one), (logits) => ({
        logits,
        strength: one.strength,
        loss: rowLosses(logits, heldLabels, classes).reduce((sum, loss) => sum + loss, 0)
      }))
    )
    const best = measured.reduce((best, one) => (one.loss < best.loss ? one : best), elementAt(measured, 0))
    tried = [best.strength]
    for (const [at, row] of own.entries())
      result.set(best.logits.subarray(at * classes, (at + 1) * classes), row * classes)
    yield* report({ _tag: "Evaluating", part: "folds", done: fold + 1, total: count })
  }
  return result
})
