import { elementAt } from "../pipeline/elementAt.ts"

/**
 * Logits with their columns, and where given their rows, in another order: the result has at (row, class) the value
 * from (`rows[row]`, `columns[class]`).
 */
export const arranged = (logits: Float32Array, columns: Int32Array, rows?: Int32Array): Float32Array => {
  const classes = columns.length
  return logits.map((_, at) => {
    const row = Math.floor(at / classes)
    return elementAt(logits, (rows?.[row] ?? row) * classes + elementAt(columns, at % classes))
  })
}
