/** How an item stands, and how answers change it: pure functions, which the database's transactions carry out. */
import { Schema } from "effect"
import { textOf } from "../../../run/serve/ColumnValue.ts"
import type { ColumnValue } from "../../../run/serve/ColumnValue.ts"
import type { Lease } from "../../../run/serve/Task.ts"
import { ItemState, OpinionState } from "../../../run/serve/Item.ts"

const Text = Schema.NullOr(Schema.String)

/** What a change changes and an undo restores. As JSON it is kept with each change. */
export const Standing = Schema.Struct({
  state: ItemState,
  opinion: OpinionState,
  change: Schema.NullOr(Schema.Int),
  answeredBy: Text,
  answeredAt: Schema.NullOr(Schema.Finite),
  firstBy: Text,
  secondBy: Text,
  secondAt: Schema.NullOr(Schema.Finite),
  columns: Schema.Array(
    Schema.Struct({ column: Schema.String, value: Text, skipped: Schema.Boolean, first: Text, second: Text })
  )
})
export type Standing = typeof Standing.Type
export type StandingColumn = Standing["columns"][number]

/** The state that follows from the columns once a person has changed them. */
const stateOf = (columns: ReadonlyArray<StandingColumn>): ItemState => {
  if (columns.some(({ skipped, value }) => value === null && !skipped)) return "open"
  return columns.every(({ value }) => value === null) ? "skipped" : "answered"
}

const without = (standing: Standing): Standing => ({
  ...standing,
  firstBy: null,
  secondBy: null,
  secondAt: null,
  columns: standing.columns.map((column) => ({ ...column, first: null, second: null }))
})

/** The answers by column, as `textOf` writes them. */
const named = (values: ReadonlyArray<ColumnValue>) =>
  new Map(values.map(({ column, value }) => [column, value === null ? null : textOf(value)]))

/** The columns with what is answered; those that are not named stay, null skips one. */
const withAnswers = (
  columns: ReadonlyArray<StandingColumn>,
  values: ReadonlyArray<ColumnValue>
): ReadonlyArray<StandingColumn> => {
  const given = named(values)
  return columns.map((column) => {
    const value = given.get(column.column)
    return value === undefined ? column : { ...column, value, skipped: value === null }
  })
}

/**
 * A first answer, or a correction: columns that are not named stay; null skips a column. A second opinion on what was
 * is void.
 */
export const answered = (
  standing: Standing,
  operator: string,
  values: ReadonlyArray<ColumnValue>,
  now: number
): Standing => {
  const columns = withAnswers(without(standing).columns, values)
  return {
    ...without(standing),
    state: stateOf(columns),
    opinion: standing.opinion === "wanted" ? "wanted" : "none",
    answeredBy: operator,
    answeredAt: now,
    columns
  }
}

/** A second opinion. What it leaves out or skips counts as agreed. */
export const seconded = (
  standing: Standing,
  operator: string,
  values: ReadonlyArray<ColumnValue>,
  now: number
): Standing => {
  const given = named(values)
  const columns = standing.columns.map((column) => ({
    ...column,
    first: column.value,
    second: given.get(column.column) ?? null
  }))
  const differs = columns.some(({ first, second }) => second !== null && second !== first)
  return {
    ...standing,
    opinion: differs ? "disputed" : "agreed",
    firstBy: standing.answeredBy,
    secondBy: operator,
    secondAt: now,
    columns
  }
}

/** The end of a dispute: what holds from now on. Both opinions stay for the record. */
export const settled = (
  standing: Standing,
  operator: string,
  values: ReadonlyArray<ColumnValue>,
  now: number
): Standing => {
  const columns = withAnswers(standing.columns, values)
  return { ...standing, state: stateOf(columns), opinion: "settled", answeredBy: operator, answeredAt: now, columns }
}

/** Every column that waits is skipped. */
export const skipped = (standing: Standing, operator: string, now: number): Standing => {
  const columns = standing.columns.map((column) => (column.value === null ? { ...column, skipped: true } : column))
  return { ...standing, state: stateOf(columns), answeredBy: operator, answeredAt: now, columns }
}

/** Back to the queue: no column has a value. */
export const returned = (standing: Standing): Standing => ({
  ...without(standing),
  state: "open",
  opinion: "none",
  answeredBy: null,
  answeredAt: null,
  columns: without(standing).columns.map((column) => ({ ...column, value: null, skipped: false }))
})

/** Whether a second opinion can be asked for. */
export const canBeSeconded = ({ opinion, state }: Standing): boolean =>
  (state === "answered" || state === "labelled") &&
  (opinion === "none" || opinion === "settled" || opinion === "agreed")

/** What an operator would do with an item that is not leased to anybody. */
export const taskOf = (standing: Standing, operator: string): Lease["task"] => {
  if (standing.state === "open") return "first"
  if (standing.opinion === "wanted" && standing.answeredBy !== operator) return "second"
  if (standing.opinion === "disputed") return "settle"
  return "correct"
}
