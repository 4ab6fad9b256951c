import type { Row } from "../../pipeline/Row.ts"
import { detach } from "./textLines.ts"

/**
 * Rows as they are kept: their texts are copies of their own, of each label one, as there are many rows and few labels.
 * `labels` are those seen so far.
 */
export const keepingRows = (labels = new Map<string, string>()): ((row: Row) => Row) => {
  const own = (label: string): string => {
    const known = labels.get(label)
    if (known !== undefined) return known
    const copy = detach(label)
    labels.set(copy, copy)
    return copy
  }
  return (row) => ({
    ...row,
    id: detach(row.id),
    label: own(row.label),
    ...(row.labels !== undefined && { labels: row.labels.map((values) => values?.map(own)) }),
    image: detach(row.image)
  })
}
