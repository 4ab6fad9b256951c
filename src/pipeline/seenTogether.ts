import type { LabelColumn } from "./LabelColumn.ts"
import type { Sample } from "./Sample.ts"

/** The pairs of classes of two columns that occur together. */
export interface SeenPairs {
  /** Indexes of the columns, the smaller one first. */
  readonly columns: readonly [number, number]
  /** A class of the one, a class of the other, in ascending order. */
  readonly pairs: ReadonlyArray<readonly [number, number]>
}

/**
 * Which classes of two label columns with one value each occur together in samples, for every two of these columns. Of the
 * training samples, it is what a network could learn of them: a prediction with another pair contradicts itself.
 *
 * Time is O(samples * columns²).
 */
export const seenTogether = (
  columns: ReadonlyArray<LabelColumn>,
  samples: ReadonlyArray<Pick<Sample, "labels">>
): ReadonlyArray<SeenPairs> => {
  const single = columns.flatMap(({ values }, index) => (values === "one" ? [index] : []))
  return single.flatMap((a, at) =>
    single.slice(at + 1).map((b): SeenPairs => {
      const width = columns[b]?.classes.length ?? 0
      const seen = new Set<number>()
      for (const { labels } of samples) {
        const [one, other] = [labels?.[a]?.[0], labels?.[b]?.[0]]
        if (one !== undefined && other !== undefined) seen.add(one * width + other)
      }
      const pairs = [...seen].sort((x, y) => x - y).map((key) => [Math.floor(key / width), key % width] as const)
      return { columns: [a, b], pairs }
    })
  )
}
