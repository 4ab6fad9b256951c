import type { CheckedRow } from "./checkImages.ts"
import type { DataConfig } from "./DataConfig.ts"
import { elementAt } from "./elementAt.ts"
import type { Filtered } from "./filter.ts"
import { countLabels } from "./filter.ts"
import { byCodePoint } from "./hashOrder.ts"
import type { Refusal } from "./Ledger.ts"
import { leaveOutConflicts, refuseMasked } from "./maskLabels.ts"

/** Rows that contradict each other: what they share, and every label that they have with its rows. */
export interface Conflict<A> {
  readonly shared: string
  readonly rows: ReadonlyArray<A>
  readonly labels: ReadonlyArray<readonly [label: string, rows: number]>
}

/** What a row's cell in a label column says, as one text; undefined where it is not known. */
export const labelIn = (
  { label, labels }: Pick<CheckedRow, "label" | "labels">,
  column: number
): string | undefined => {
  if (labels === undefined) return label
  const values = labels[column]
  return values?.length === 0 ? "none" : values?.join("; ")
}

/**
 * The sets of rows that share something (undefined: nothing) and differ in their label, the largest set first. A row of
 * which no label is known is in no set.
 */
export const conflictsOf = <A extends Pick<CheckedRow, "label" | "labels">>(
  rows: ReadonlyArray<A>,
  sharedBy: (row: A) => string | undefined,
  column = 0
): ReadonlyArray<Conflict<A>> => {
  // Most rows share nothing with another: only those that do have a list, as a million lists take much memory.
  const firsts = new Map<string, A>()
  const sets = new Map<string, Array<A>>()
  const labelOf = (row: A) => labelIn(row, column)
  for (const row of rows) {
    const shared = sharedBy(row)
    if (shared === undefined || labelOf(row) === undefined) continue
    const first = firsts.get(shared)
    if (first === undefined) {
      firsts.set(shared, row)
      continue
    }
    const set = sets.get(shared)
    if (set === undefined) sets.set(shared, [first, row])
    else set.push(row)
  }
  return Array.from(sets, ([shared, rows]) => ({ shared, rows }))
    .filter(({ rows }) => rows.some((row) => labelOf(row) !== labelOf(elementAt(rows, 0))))
    .map(({ rows, shared }) => ({
      shared,
      rows,
      labels: [...countLabels(rows.map((row) => ({ label: labelOf(row) ?? "" })))].sort(
        ([a, n], [b, m]) => m - n || byCodePoint(a, b)
      )
    }))
    .sort((a, b) => b.rows.length - a.rows.length || byCodePoint(a.shared, b.shared))
}

/** What a set of labels looks like in a message: `"Tops" 2, "Shirts" 1`. */
export const labelsText = (labels: Conflict<unknown>["labels"]): string =>
  labels.map(([label, rows]) => `${JSON.stringify(label)} ${rows}`).join(", ")

/** The label that most rows of a set have; undefined where two have the most, or the policy keeps none. */
const keptOf = ({ labels }: Conflict<unknown>, policy: DataConfig["conflicts"]): string | undefined => {
  const [[first, most] = ["", 0], [, second] = ["", 0]] = labels
  return policy === "majority" && most > second ? first : undefined
}

/**
 * Refuses rows whose images are the same byte for byte and whose labels differ, as `data.conflicts` says: none (`keep`), all
 * (`refuse`), or all but those with the label that most of them have (`majority`; where two have the most, all).
 *
 * With several label columns, the first one's labels decide of a row; in the others the labels alone are left out.
 */
export const settleConflicts = (
  rows: ReadonlyArray<CheckedRow>,
  policy: DataConfig["conflicts"]
): Filtered<CheckedRow> => {
  if (policy === undefined || policy === "keep") return { kept: rows, refusals: [] }
  const refusals = new Map<CheckedRow, Refusal>()
  for (const conflict of conflictsOf(rows, ({ digest }) => digest)) {
    const { labels, rows: set } = conflict
    const kept = keptOf(conflict, policy)
    const lines = set.slice(0, 5).map(({ line }) => line)
    const more = set.length > lines.length ? " and more" : ""
    for (const row of set)
      if (labelIn(row, 0) !== kept)
        refusals.set(
          row,
          refuseMasked(
            row,
            "labelConflict",
            `lines ${lines.join(", ")}${more} have the same image: ${labelsText(labels)}`
          )
        )
  }
  const settled = {
    kept: rows.filter((row) => !refusals.has(row)),
    refusals: rows.flatMap((row) => refusals.get(row) ?? [])
  }
  const columns = rows[0]?.labels?.length ?? 1
  if (columns === 1) return settled
  const conflicting = Array.from({ length: columns }, (_, column) => {
    const found = column === 0 ? [] : conflictsOf(settled.kept, ({ digest }) => digest, column)
    return new Set(
      found.flatMap((conflict) => {
        const kept = keptOf(conflict, policy)
        return conflict.rows.filter((row) => labelIn(row, column) !== kept)
      })
    )
  })
  const known = leaveOutConflicts(settled.kept, conflicting)
  return { kept: known.kept, refusals: [...settled.refusals, ...known.refusals] }
}
