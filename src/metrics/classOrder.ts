import type { Confusion } from "./Confusion.ts"
import { margins } from "./Confusion.ts"

/**
 * How similar classes are: the mean of the two shares in which two classes are confused; (classes, classes), symmetric.
 */
const similarities = (confusion: Confusion): Float64Array => {
  const { classes, counts } = confusion
  const { support } = margins(confusion)
  const share = (row: number, column: number) =>
    support[row] === 0 ? 0 : counts[row * classes + column]! / support[row]!
  return Float64Array.from({ length: classes * classes }, (_, i) => {
    const row = Math.floor(i / classes)
    const column = i % classes
    return (share(row, column) + share(column, row)) / 2
  })
}

/** Two orders of classes joined, each reversed where that puts more similar classes next to each other. */
const join = (a: ReadonlyArray<number>, b: ReadonlyArray<number>, similar: (i: number, j: number) => number) => {
  let best: ReadonlyArray<number> = []
  let most = -Infinity
  for (const left of [a, a.toReversed()])
    for (const right of [b, b.toReversed()]) {
      const ends = similar(left[left.length - 1]!, right[0]!) // no cluster is empty
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
  const similar = (i: number, j: number) => between[i * classes + j]!
  let clusters = Array.from({ length: classes }, (_, i): ReadonlyArray<number> => [i])
  // Mean similarity of the clusters, by the index of each cluster's place.
  let linkage = clusters.map((_, i) => clusters.map((_, j) => similar(i, j)))
  while (clusters.length > 1) {
    let most = 0
    let pair: readonly [number, number] | undefined
    for (let i = 0; i < clusters.length; i++)
      for (let j = i + 1; j < clusters.length; j++)
        if (linkage[i]![j]! > most) {
          most = linkage[i]![j]!
          pair = [i, j]
        }
    if (pair === undefined) break // the remaining clusters are not confused
    const [i, j] = pair
    const [a, b] = [clusters[i]!, clusters[j]!]
    const together = linkage[i]!.map(
      (value, k) => (a.length * value + b.length * linkage[j]![k]!) / (a.length + b.length)
    )
    linkage[i] = together
    linkage.forEach((row, k) => (row[i] = together[k]!))
    clusters[i] = join(a, b, similar)
    clusters = clusters.filter((_, k) => k !== j)
    linkage = linkage.filter((_, k) => k !== j).map((row) => row.filter((_, k) => k !== j))
  }
  return clusters.flat()
}
