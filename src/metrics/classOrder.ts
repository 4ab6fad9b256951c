import { elementAt } from "../pipeline/elementAt.ts"
import type { Confusion } from "./Confusion.ts"
import { margins } from "./Confusion.ts"
import { rowsOf } from "./rowsOf.ts"
import { share } from "./scores.ts"

/**
 * How similar classes are: the mean of the two shares in which two classes are confused; (classes, classes), symmetric.
 */
const similarities = (confusion: Confusion): ReadonlyArray<Array<number>> => {
  const { support } = margins(confusion)
  const shares = rowsOf(confusion.counts, confusion.classes).map((row, i) =>
    row.map((count) => share(count, elementAt(support, i)))
  )
  return shares.map((row, i) => Array.from(row, (own, j) => (own + elementAt(elementAt(shares, j), i)) / 2))
}

/** Two orders of classes joined, each reversed where that puts more similar classes next to each other. */
const join = (a: ReadonlyArray<number>, b: ReadonlyArray<number>, similar: (i: number, j: number) => number) => {
  let best: ReadonlyArray<number> = []
  let most = -Infinity
  for (const left of [a, a.toReversed()])
    for (const right of [b, b.toReversed()]) {
      const ends = similar(elementAt(left, left.length - 1), elementAt(right, 0)) // no cluster is empty
      if (ends <= most) continue
      most = ends
      best = [...left, ...right]
    }
  return best
}

/**
 * An order of the classes that puts those which are confused with each other side by side, so that a confusion shows them
 * as blocks. Deterministic; classes that are not confused keep their order.
 *
 * Agglomerative clustering with average linkage on the mean share of mutual confusion (Sokal and Michener, 1958), the
 * leaves ordered at each merger by its most similar ends (Gruvaeus and Wainer, Two Additions to Hierarchical Cluster
 * Analysis, 1972). Cubic in the number of classes.
 */
export const classOrder = (confusion: Confusion): ReadonlyArray<number> => {
  const { classes } = confusion
  const between = similarities(confusion)
  const similar = (i: number, j: number) => elementAt(elementAt(between, i), j)
  let clusters = Array.from({ length: classes }, (_, i): ReadonlyArray<number> => [i])
  // Mean similarity of the clusters, by the index of each cluster's place.
  let linkage: ReadonlyArray<Array<number>> = between.map((row) => [...row])
  while (clusters.length > 1) {
    let most = 0
    let pair: readonly [number, number] | undefined
    for (const [i, row] of linkage.entries())
      for (const [j, mean] of row.entries())
        if (j > i && mean > most) {
          most = mean
          pair = [i, j]
        }
    if (pair === undefined) break // the remaining clusters are not confused
    const [i, j] = pair
    const [a, b] = [elementAt(clusters, i), elementAt(clusters, j)]
    const other = elementAt(linkage, j)
    const together = elementAt(linkage, i).map(
      (mean, k) => (a.length * mean + b.length * elementAt(other, k)) / (a.length + b.length)
    )
    clusters = clusters.with(i, join(a, b, similar)).toSpliced(j, 1)
    linkage = linkage
      .map((row, k) => (k === i ? together : row.with(i, elementAt(together, k))).toSpliced(j, 1))
      .toSpliced(j, 1)
  }
  return clusters.flat()
}
