import type { Batch, Softened } from "./Batch.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import { columnLabels, hasOneValue } from "./LabelColumn.ts"
import type { Sample } from "./Sample.ts"

/** The second classes of a label column; undefined where no sample has one. */
const softenedIn = (samples: ReadonlyArray<Pick<Sample, "softened">>, column: number): Softened | undefined => {
  const own = samples.map(({ softened }) => softened?.[column])
  if (own.every((one) => one === undefined)) return undefined
  return {
    labels: Int32Array.from(own, (one) => one?.label ?? -1),
    shares: Float32Array.from(own, (one) => one?.share ?? 0)
  }
}

/** The labels of a batch of samples, in their order: of the first label column, and of each where there are several. */
export const batchLabels = (
  columns: ReadonlyArray<LabelColumn> | undefined,
  samples: ReadonlyArray<Pick<Sample, "label" | "labels" | "softened">>
): Pick<Batch, "labels" | "columns" | "softened"> => ({
  labels: Int32Array.from(samples, ({ label }) => label),
  ...(columns !== undefined &&
    !hasOneValue(columns) && {
      columns: columns.map((column, index) =>
        columnLabels(
          column,
          samples.map(({ labels }) => labels?.[index])
        )
      )
    }),
  ...(samples.some(({ softened }) => softened !== undefined) && {
    softened: (columns ?? [undefined]).map((_, column) => softenedIn(samples, column))
  })
})
