import type { ColumnCounts } from "../../metrics/Report.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { elementAt } from "../../pipeline/elementAt.ts"

/** How many of the kept rows have a known value in each label column, and how often each class occurs in each part. */
export const columnCounts = ({ columns, test, train, validation }: Dataset): ReadonlyArray<ColumnCounts> => {
  const parts = { train, validation, test }
  return columns.map(({ classes, name, values }, index) => {
    const perClass = classes.map((label) => ({ label, train: 0, validation: 0, test: 0 }))
    let known = 0
    for (const part of ["train", "validation", "test"] as const)
      for (const { label, labels } of parts[part]) {
        const own = labels === undefined ? [label] : labels[index]
        if (own === undefined) continue
        known++
        for (const c of own) elementAt(perClass, c)[part]++
      }
    return { name, values, classes: classes.length, known, empty: 0, rare: 0, perClass }
  })
}
