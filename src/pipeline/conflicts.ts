import type { CheckedRow } from "./checkImages.ts"
import type { DataConfig } from "./DataConfig.ts"
import type { Filtered } from "./filter.ts"
import { countLabels } from "./filter.ts"
import { byCodePoint } from "./hashOrder.ts"
import type { Refusal } from "./Ledger.ts"
import { refuse } from "./Ledger.ts"

/** Rows that contradict each other: what they share, and every label that they have with its rows. */
export interface Conflict<A> {
  readonly shared: string
  readonly rows: ReadonlyArray<A>
  readonly labels: ReadonlyArray<readonly [label: string, rows: number]>
}

/** The sets of rows that share something (undefined: nothing) and differ in their label, the largest set first. */
export const conflictsOf = <A extends { readonly label: string }>(
  rows: ReadonlyArray<A>,
  sharedBy: (row: A) => string | undefined
): ReadonlyArray<Conflict<A>> => {
  const sets = new Map<string, Array<A>>()
  for (const row of rows) {
    const shared = sharedBy(row)
    if (shared === undefined) continue
    const known = sets.get(shared)
    if (known === undefined) sets.set(shared, [row])
    else known.push(row)
  }
  return Array.from(sets, ([shared, rows]) => ({ shared, rows }))
    .filter(({ rows: [first, ...others] }) => others.some(({ label }) => label !== first?.label))
    .map(({ rows, shared }) => ({
      shared,
      rows,
      labels: [...countLabels(rows)].sort(([a, n], [b, m]) => m - n || byCodePoint(a, b))
    }))
    .sort((a, b) => b.rows.length - a.rows.length || byCodePoint(a.shared, b.shared))
}

/** What a set of labels looks like in a message: `"Tops" 2, "Shirts" 1`. */
export const labelsText = (labels: Conflict<unknown>["labels"]): string =>
  labels.map(([label, rows]) => `${JSON.stringify(label)} ${rows}`).join(", ")

/**
 * Refuses rows whose images are the same byte for byte and whose labels differ, as `data.conflicts` says: none (`keep`), all
 * (`refuse`), or all but those with the label that most of them have (`majority`; where two have the most, all).
 */
export const settleConflicts = (
  rows: ReadonlyArray<CheckedRow>,
  policy: DataConfig["conflicts"]
): Filtered<CheckedRow> => {
  if (policy === undefined || policy === "keep") return { kept: rows, refusals: [] }
  const refusals = new Map<CheckedRow, Refusal>()
  for (const { labels, rows: set } of conflictsOf(rows, ({ digest }) => digest)) {
    const [[first, most] = ["", 0], [, second] = ["", 0]] = labels
    const kept = policy === "majority" && most > second ? first : undefined
    const lines = set.slice(0, 5).map(({ line }) => line)
    const more = set.length > lines.length ? " and more" : ""
    for (const row of set)
      if (row.label !== kept)
        refusals.set(
          row,
          refuse(row, "labelConflict", `lines ${lines.join(", ")}${more} have the same image: ${labelsText(labels)}`)
        )
  }
  return {
    kept: rows.filter((row) => !refusals.has(row)),
    refusals: rows.flatMap((row) => refusals.get(row) ?? [])
  }
}
