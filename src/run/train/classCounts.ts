import { elementAt } from "../../pipeline/elementAt.ts"
import type { ClassCounts } from "../../metrics/Report.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { isFault } from "../../pipeline/Ledger.ts"

/**
 * How many rows each label has, in all and in each part: all labels that are listed, also those that were left out.
 *
 * The largest first, then by label. Rows without a readable label are not counted.
 */
export const classCounts = ({ classes, ledger, test, train, validation }: Dataset): ReadonlyArray<ClassCounts> => {
  const counts = new Map<
    string,
    { train: number; validation: number; test: number; leftOut: number; refused: number }
  >()
  const of = (label: string) => {
    const known = counts.get(label) ?? { train: 0, validation: 0, test: 0, leftOut: 0, refused: 0 }
    counts.set(label, known)
    return known
  }
  const parts = { train, validation, test }
  for (const part of ["train", "validation", "test"] as const)
    for (const { label } of parts[part]) of(elementAt(classes, label))[part]++
  for (const { label, reason } of ledger.refusals)
    if (label !== undefined && label !== "") of(label)[isFault(reason) ? "refused" : "leftOut"]++
  return Array.from(counts, ([label, { refused, ...parts }]) => ({
    label,
    listed: parts.train + parts.validation + parts.test + parts.leftOut + refused,
    ...parts
  })).sort((a, b) => b.listed - a.listed || (a.label < b.label ? -1 : 1))
}
