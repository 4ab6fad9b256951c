import { Result } from "effect"
import type { DataUnusable } from "./DataUnusable.ts"
import type { Filtered } from "./filter.ts"
import { classNameTaken } from "./filter.ts"
import { byCodePoint } from "./hashOrder.ts"
import type { LabelColumnConfig } from "./LabelColumnConfig.ts"
import type { Refusal } from "./Ledger.ts"
import { refuse } from "./Ledger.ts"
import type { CellValues, Row } from "./Row.ts"

/** Values of a row's cell that count neither in a loss nor in a metric, and why. */
export interface LeftOut {
  /** `rare`: too few rows have the value; `conflict`: rows with the same image have another one. */
  readonly reason: "rare" | "conflict"
  readonly values: ReadonlyArray<string>
}

/** A row of several label columns, with what was left out of its cells: an entry a column, undefined where nothing was. */
export interface MaskedRow extends Row {
  readonly leftOut?: ReadonlyArray<LeftOut | undefined>
}

type Cells = Pick<MaskedRow, "labels" | "leftOut">

/** What a row's cell in a label column says, and the values that were left out of it. */
const allValues = ({ labels, leftOut }: Cells, column: number): ReadonlyArray<string> => [
  ...(labels?.[column] ?? []),
  ...(leftOut?.[column]?.values ?? [])
]

/** How many rows have each value of a label column. */
export const countValues = (
  rows: ReadonlyArray<{ readonly labels?: ReadonlyArray<CellValues> }>,
  column: number
): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { labels } of rows)
    for (const value of labels?.[column] ?? []) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** A row as it was before values were left out of its cells; so the ledger has it. */
const whole = <A extends Cells>(row: A): A =>
  row.labels === undefined
    ? row
    : {
        ...row,
        labels: row.labels.map((values, column) => {
          const all = allValues(row, column)
          return values === undefined && all.length === 0 ? undefined : all
        })
      }

/** The refusal of a row of several label columns, with all that its cells say. */
export const refuseMasked = (
  row: Pick<MaskedRow, "line" | "id" | "label" | "labels" | "leftOut">,
  reason: Refusal["reason"],
  detail: string
): Refusal => refuse(whole(row), reason, detail)

/**
 * A row without those values of a label column that `isOut` names; a cell that had no others is then not known. The row
 * itself where there are none.
 */
const without = <A extends MaskedRow>(
  row: A,
  column: number,
  reason: LeftOut["reason"],
  isOut: (value: string) => boolean
): A => {
  const values = row.labels?.[column]
  const out = values?.filter(isOut) ?? []
  if (row.labels === undefined || values === undefined || out.length === 0) return row
  const rest = values.filter((value) => !isOut(value))
  const known = rest.length === 0 ? undefined : rest
  const before = row.leftOut?.[column]?.values ?? []
  return {
    ...row,
    label: column === 0 && known === undefined ? "" : row.label,
    labels: row.labels.with(column, known),
    leftOut: row.labels.map((_, k) => (k === column ? { reason, values: [...before, ...out] } : row.leftOut?.[k]))
  }
}

/** The rows of which something is known in some label column; the others are refused as `refusalOf` says. */
const keepKnown = <A extends MaskedRow>(rows: ReadonlyArray<A>, refusalOf: (row: A) => Refusal): Filtered<A> => {
  const kept: Array<A> = []
  const refusals: Array<Refusal> = []
  for (const row of rows)
    if (row.labels?.some((values) => values !== undefined) === true) kept.push(row)
    else refusals.push(refusalOf(row))
  return { kept, refusals }
}

/**
 * Leaves out the values that fewer than `least` rows have (one number for each column). A row in which nothing else is
 * known is left out as a whole: `classTooSmall`.
 */
export const leaveOutRare = <A extends MaskedRow>(
  rows: ReadonlyArray<A>,
  least: ReadonlyArray<number>,
  detail: string
): Filtered<A> => {
  const rare = least.map(
    (fewest, column) => new Set([...countValues(rows, column)].flatMap(([value, n]) => (n < fewest ? [value] : [])))
  )
  const masked = rows.map((row) =>
    rare.reduce((one, values, column) => without(one, column, "rare", (value) => values.has(value)), row)
  )
  return keepKnown(masked, (row) => refuseMasked(row, "classTooSmall", detail))
}

/**
 * Leaves out, in every label column but the first, the labels that contradict those of rows with the same image: those of the
 * rows in `conflicting`, a set for each column. A row in which nothing else is known is refused: `labelConflict`.
 */
export const leaveOutConflicts = <A extends MaskedRow>(
  rows: ReadonlyArray<A>,
  conflicting: ReadonlyArray<ReadonlySet<A>>
): Filtered<A> => {
  const masked = rows.map((row) =>
    conflicting.reduce((one, set, column) => (set.has(row) ? without(one, column, "conflict", () => true) : one), row)
  )
  return keepKnown(masked, (row) =>
    refuseMasked(row, "labelConflict", "rows with the same image have other labels, and nothing else is known of it")
  )
}

/**
 * Gives the rare values of each label column one name, where `data.rare` asks for that; see `mergeRareClasses`, which does
 * it for one column.
 */
export const mergeRareValues = <A extends MaskedRow>(
  rows: ReadonlyArray<A>,
  columns: ReadonlyArray<LabelColumnConfig>,
  least: ReadonlyArray<number>,
  name: string
): Result.Result<ReadonlyArray<A>, DataUnusable> => {
  const merged = name.trim()
  const counts = columns.map((_, column) => countValues(rows, column))
  for (const [column, { column: shown }] of columns.entries()) {
    const taken = counts[column]?.get(merged)
    if (taken !== undefined) return Result.fail(classNameTaken(merged, taken, shown))
  }
  const renamed = (value: string, column: number) =>
    (counts[column]?.get(value) ?? 0) < (least[column] ?? 0) ? merged : value
  return Result.succeed(
    rows.map((row) => {
      const labels = row.labels?.map((values, column) =>
        values === undefined ? undefined : [...new Set(values.map((value) => renamed(value, column)))].sort(byCodePoint)
      )
      return { ...row, labels, label: row.label === "" ? "" : (labels?.[0]?.[0] ?? "") }
    })
  )
}
