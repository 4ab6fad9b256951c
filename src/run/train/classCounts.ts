import { elementAt } from "../../pipeline/elementAt.ts"
import type { ClassCounts, ColumnCounts } from "../../metrics/Report.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import { isFault } from "../../pipeline/Ledger.ts"
import type { Sample } from "../../pipeline/Sample.ts"

const parts = ["train", "validation", "test"] as const

/** The values of one label column: of a sample those that are known and those that were left out, and of a row in no part. */
interface ValuesOf {
  readonly known: (sample: Sample) => ReadonlyArray<string>
  readonly leftOut: (sample: Sample) => ReadonlyArray<string>
  readonly refused: (refusal: Refusal) => ReadonlyArray<string>
}

const valuesOf = (column: LabelColumn, index: number, isOne: boolean): ValuesOf => {
  const nameOf = (at: number) => elementAt(column.classes, at)
  if (isOne)
    return {
      known: ({ label }) => [nameOf(label)],
      leftOut: () => [],
      refused: ({ label }) => (label === undefined || label === "" ? [] : [label])
    }
  return {
    known: ({ labels }) => (labels?.[index] ?? []).map(nameOf),
    leftOut: ({ leftOut }) => leftOut?.[index]?.values ?? [],
    refused: ({ labels }) => labels?.[index] ?? []
  }
}

const countClasses = (
  dataset: Pick<Dataset, "ledger" | "test" | "train" | "validation">,
  values: ValuesOf
): ReadonlyArray<ClassCounts> => {
  const counts = new Map<
    string,
    { train: number; validation: number; test: number; leftOut: number; refused: number }
  >()
  const of = (label: string) => {
    const known = counts.get(label) ?? { train: 0, validation: 0, test: 0, leftOut: 0, refused: 0 }
    counts.set(label, known)
    return known
  }
  for (const part of parts)
    for (const sample of dataset[part]) {
      for (const label of values.known(sample)) of(label)[part]++
      for (const label of values.leftOut(sample)) of(label).leftOut++
    }
  for (const refusal of dataset.ledger.refusals)
    for (const label of values.refused(refusal)) of(label)[isFault(refusal.reason) ? "refused" : "leftOut"]++
  return Array.from(counts, ([label, { refused, ...parts }]) => ({
    label,
    listed: parts.train + parts.validation + parts.test + parts.leftOut + refused,
    ...parts
  })).sort((a, b) => b.listed - a.listed || (a.label < b.label ? -1 : 1))
}

/**
 * How many rows each label of the first column has, in all and in each part: all labels that are listed, also those that
 * were left out.
 *
 * The largest first, then by label. Rows without a readable label are not counted.
 */
export const classCounts = (dataset: Dataset): ReadonlyArray<ClassCounts> =>
  countClasses(dataset, valuesOf(elementAt(dataset.columns, 0), 0, hasOneValue(dataset.columns)))

/** How many kept rows are known in each label column, why others are not, and how many rows each of its values has. */
export const columnCounts = (dataset: Dataset): ReadonlyArray<ColumnCounts> => {
  const isOne = hasOneValue(dataset.columns)
  const samples = parts.flatMap((part) => dataset[part])
  return dataset.columns.map((column, index) => {
    const unknown = isOne ? [] : samples.filter(({ labels }) => labels?.[index] === undefined)
    const leftOut = (reason: string) =>
      unknown.reduce((sum, { leftOut }) => sum + (leftOut?.[index]?.reason === reason ? 1 : 0), 0)
    const [rare, conflicting] = [leftOut("rare"), leftOut("conflict")]
    return {
      name: column.name,
      values: column.values,
      classes: column.classes.length,
      known: samples.length - unknown.length,
      empty: unknown.length - rare - conflicting,
      rare,
      ...(conflicting > 0 && { conflicting }),
      perClass: countClasses(dataset, valuesOf(column, index, isOne))
    }
  })
}
