/**
 * Logits with their columns in another order, and their rows where that is asked for: what stands at (row, class) in the
 * result, row by row, stood at (`rows[row]`, `columns[class]`).
 */
export const arranged = (logits: Float32Array, columns: Int32Array, rows?: Int32Array): Float32Array => {
  const classes = columns.length
  return logits.map((_, at) => {
    const row = Math.floor(at / classes)
    return logits[(rows?.[row] ?? row) * classes + columns[at % classes]!]! // as many as there are
  })
}
