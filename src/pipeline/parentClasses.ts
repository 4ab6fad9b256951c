import type { LabelColumn } from "./LabelColumn.ts"
import type { LabelColumnConfig } from "./LabelColumnConfig.ts"
import type { Sample } from "./Sample.ts"

/** The column above a label column, and which of its classes stands above each class. */
export interface ParentClasses {
  /** The parent column's. */
  readonly name: string
  readonly classes: ReadonlyArray<string>
  /** For each class of the column, the index of the parent's class; null where no sample has both. */
  readonly of: ReadonlyArray<number | null>
}

/**
 * For each label column its parent as configured, undefined where it has none. A class stands under the parent class that
 * most of the samples have beside it, of several with as many under the first.
 */
export const parentClasses = (
  configured: ReadonlyArray<LabelColumnConfig>,
  columns: ReadonlyArray<LabelColumn>,
  samples: ReadonlyArray<Pick<Sample, "labels">>
): ReadonlyArray<ParentClasses | undefined> =>
  columns.map(({ classes }, column) => {
    const name = configured[column]?.parent
    const above = columns.findIndex((one) => one.name === name)
    const parent = columns[above]
    if (parent === undefined) return undefined
    const counts = classes.map(() => new Map<number, number>())
    for (const { labels } of samples) {
      const [own, other] = [labels?.[column]?.[0], labels?.[above]?.[0]]
      const known = own === undefined ? undefined : counts[own]
      if (known !== undefined && other !== undefined) known.set(other, (known.get(other) ?? 0) + 1)
    }
    const majority = (of: ReadonlyMap<number, number>): number | null => {
      const [first] = [...of].sort(([a, n], [b, m]) => m - n || a - b)
      return first?.[0] ?? null
    }
    return { name: parent.name, classes: parent.classes, of: counts.map(majority) }
  })
