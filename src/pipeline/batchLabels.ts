import type { Batch } from "./Batch.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import { columnLabels, hasOneValue } from "./LabelColumn.ts"
import type { Sample } from "./Sample.ts"

/** The labels of a batch of samples, in their order: of the first label column, and of each where there are several. */
export const batchLabels = (
  columns: ReadonlyArray<LabelColumn> | undefined,
  samples: ReadonlyArray<Pick<Sample, "label" | "labels">>
): Pick<Batch, "labels" | "columns"> => ({
  labels: Int32Array.from(samples, ({ label }) => label),
  ...(columns !== undefined &&
    !hasOneValue(columns) && {
      columns: columns.map((column, index) =>
        columnLabels(
          column,
          samples.map(({ labels }) => labels?.[index])
        )
      )
    })
})
