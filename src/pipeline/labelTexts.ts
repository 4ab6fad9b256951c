import { elementAt } from "./elementAt.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import type { CellValues } from "./Row.ts"
import type { Sample } from "./Sample.ts"

/** The names of a sample's labels: as a row has them, without the values that were left out. */
export const labelTexts = (
  columns: ReadonlyArray<LabelColumn>,
  { label, labels }: Pick<Sample, "label" | "labels">
): { readonly label: string; readonly labels?: ReadonlyArray<CellValues> } => ({
  label: label < 0 ? "" : elementAt(elementAt(columns, 0).classes, label),
  ...(labels !== undefined && {
    labels: labels.map((known, column) => known?.map((index) => elementAt(elementAt(columns, column).classes, index)))
  })
})
