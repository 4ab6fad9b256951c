/** Items as the tables have them, and what is seen of them: pure functions. */
import { Array as Arr } from "effect"
import { certaintyOf, runnerUpOf, suggestedValue, textOf, valueIn } from "../../../run/serve/ColumnValue.ts"
import type { Answer, CatalogueRow, Item, Suggestion } from "../../../run/serve/Item.ts"
import type { DeskSettings } from "../../../run/serve/Desk.ts"
import type { Lease, Task } from "../../../run/serve/Task.ts"
import { placeIn } from "../../../run/serve/order.ts"
import type { Standing } from "./standing.ts"
import type { ItemRow, RowRow, ValueRow } from "./tables.ts"
import { placeColumn } from "./tables.ts"

/** An item as its tables have it. */
export interface Stored {
  readonly row: ItemRow
  readonly values: ReadonlyArray<StoredValue>
}
/** One column of an item, and whether it may have several values. */
export interface StoredValue extends ValueRow {
  readonly several: boolean
}
export const standingOf = ({ row, values }: Stored): Standing => ({
  state: row.state,
  opinion: row.opinion,
  change: row.change,
  answeredBy: row.answered_by,
  answeredAt: row.answered_at,
  firstBy: row.first_by,
  secondBy: row.second_by,
  secondAt: row.second_at,
  columns: values.map(({ col, first, second, skipped, value }) => ({
    column: col,
    value,
    skipped: skipped === 1,
    first,
    second
  }))
})

/** What an item's places in the orders follow from. */
export const placesOf = (
  item: { readonly digest: string; readonly came: number },
  standing: Pick<Standing, "state" | "opinion" | "columns">,
  tops: ReadonlyMap<string, Suggestion["top"]>,
  seed: number
) => {
  const suggested = standing.columns.flatMap(({ column, skipped, value }) => {
    const top = tops.get(column)
    const waits = standing.state !== "open" || (value === null && !skipped)
    return top === undefined || !waits
      ? []
      : [{ label: textOf(suggestedValue(top)), first: certaintyOf(top), second: runnerUpOf(top), value }]
  })
  const orderable = { ...item, suggested, disputed: standing.opinion === "disputed" }
  return {
    [placeColumn.newest]: placeIn.newest(orderable, seed),
    [placeColumn.leastMargin]: placeIn.leastMargin(orderable, seed),
    [placeColumn.surest]: placeIn.surest(orderable, seed),
    [placeColumn.disagreement]: placeIn.disagreement(orderable, seed),
    [placeColumn.audit]: placeIn.audit(orderable, seed)
  }
}

export const topsOf = (values: ReadonlyArray<ValueRow>) =>
  new Map(values.flatMap(({ col, top }) => (top === null ? [] : [[col, top] as const])))

/** The answer that holds; of `labelled` the catalogue's. */
export const answerOf = ({ row, values }: Stored): Answer | null =>
  values.every(({ value }) => value === null)
    ? null
    : {
        operator: row.answered_by,
        at: row.answered_at ?? row.came,
        values: values.map(({ col, several, value }) => ({ column: col, value: valueIn(value, several) }))
      }

/** A second opinion. */
export const secondOf = ({ row, values }: Stored): Answer | null =>
  row.second_by === null || row.second_at === null
    ? null
    : {
        operator: row.second_by,
        at: row.second_at,
        values: values.map(({ col, second, several }) => ({ column: col, value: valueIn(second, several) }))
      }

/** The answer that the second opinion was about. */
export const firstOf = ({ row, values }: Stored): Answer => ({
  operator: row.first_by,
  at: row.answered_at ?? row.came,
  values: values.map(({ col, first, several }) => ({ column: col, value: valueIn(first, several) }))
})

export const suggestionsOf = (values: ReadonlyArray<ValueRow>): ReadonlyArray<Suggestion> =>
  values.flatMap(({ col, model, run, top }) =>
    model === null || run === null || top === null ? [] : [{ column: col, model, run, top }]
  )

export const itemOf = (stored: Stored, rows: ReadonlyArray<RowRow>): Item => ({
  digest: stored.row.digest,
  name: stored.row.name,
  origin: stored.row.origin,
  came: stored.row.came,
  rows: rows.map(({ cells, row_id }) => ({ id: row_id, values: cells })),
  part: stored.row.part,
  state: stored.row.state,
  opinion: stored.row.opinion,
  blind: stored.row.blind === 1,
  version: stored.row.version,
  answer: answerOf(stored),
  second: secondOf(stored),
  suggestions: suggestionsOf(stored.values)
})

/** Whether a task is given without suggestions: an item of the blind share, until it has its answers. */
export const isTaskBlind = (row: ItemRow, task: Lease["task"]): boolean =>
  row.blind === 1 && (task === "first" || task === "second")

/**
 * What a column of the catalogue's rows has, as texts: the first value, and another one where rows contradict each
 * other.
 */
export const sourceOf = (rows: ReadonlyArray<CatalogueRow>, column: string) => {
  const found = rows.flatMap(({ values }) => values.flatMap((cell) => (cell.column === column ? [cell.value] : [])))
  const present = found.flatMap((value) => (value === null ? [] : [textOf(value)]))
  const [source = null] = present
  return { source, conflict: present.find((value) => value !== source) ?? null }
}

/** An item as the operator may see it. */
export const taskFor = (stored: Stored, lease: Lease, columns: DeskSettings["columns"]): Task => {
  const { row, values } = stored
  const blind = isTaskBlind(row, lease.task)
  const [suggested] = blind ? [] : suggestionsOf(values)
  const shown: ReadonlyArray<Task["columns"][number]> = values.map(({ col, several, top, value }) => ({
    column: col,
    ...(several && { several }),
    value: lease.task === "second" ? null : valueIn(value, several),
    suggestions: blind ? [] : (top ?? [])
  }))
  return {
    digest: row.digest,
    name: row.name,
    came: row.came,
    lease,
    version: row.version,
    blind,
    model: suggested?.model ?? null,
    run: suggested?.run ?? null,
    // An item has a row for each of the desk's columns, and a desk has at least one.
    columns: Arr.isReadonlyArrayNonEmpty(shown) ? shown : [{ column: columns[0], value: null, suggestions: [] }],
    opinions: lease.task === "settle" ? [firstOf(stored), ...[secondOf(stored)].filter((one) => one !== null)] : []
  }
}
