interface View<A> {
  readonly length: number
  readonly subarray: (from: number, to: number) => A
}

/** The rows of numbers that are stored row by row, as views: logits (samples, classes), or counts (classes, classes). */
export const rowsOf = <A>(values: View<A>, columns: number): ReadonlyArray<A> =>
  Array.from({ length: columns === 0 ? 0 : values.length / columns }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns)
  )
