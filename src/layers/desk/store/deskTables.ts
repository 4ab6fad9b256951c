/** The desk's tables: transactions, and what all parts of the desk read and write in the same way. */
import { Array as Arr, Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { SqlError } from "effect/sql"
import { byCodeUnit } from "../../../pipeline/hashOrder.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import type { ColumnValue } from "../../../run/serve/ColumnValue.ts"
import type { DeskSettings } from "../../../run/serve/Desk.ts"
import { DeskError, NotAtDesk, WrongValue } from "../../../run/serve/DeskFaults.ts"
import type { Stored } from "./stored.ts"
import { itemOf } from "./stored.ts"
import { isStopped, ItemRow, RowRow, ValueRow } from "./tables.ts"

/** Rows that are written by one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const together = 500
const groups = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))
const reasonOf = (error: unknown): string => {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  return messageOf(reason)
}

/** An SQL error as a DeskError. */
export const toDeskError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E, SqlError.SqlError> => SqlError.isSqlError(error),
    (error) => Effect.fail(new DeskError({ detail: `the desk's database: ${reasonOf(error)}`, cause: error }))
  )
/** What the tables hold is theirs: a row that does not fit its schema is a defect. */
export const rowsOf = <S extends Schema.Top & { readonly DecodingServices: never }>(
  Row: S,
  statement: Effect.Effect<ReadonlyArray<unknown>, SqlError.SqlError>
) => Effect.flatMap(statement, (rows) => Effect.orDie(Schema.decodeUnknownEffect(Schema.Array(Row))(rows)))

/** The tables of one desk. */
export const deskTables = (sql: SqlClient.SqlClient, settings: DeskSettings) => {
  const { columns, separators = {} } = settings

  /** Whether a column may have several values in a cell. */
  const isSeveral = (column: string): boolean => Object.hasOwn(separators, column)

  /** Rows that a transaction is about to change, held until its end; SQLite holds the whole database. */
  const held = sql.onDialectOrElse({ pg: () => sql.literal(" FOR UPDATE"), orElse: () => sql.literal("") })
  /** Rows that others hold are passed over. */
  const heldOrSkipped = sql.onDialectOrElse({
    pg: () => sql.literal(" FOR UPDATE OF i SKIP LOCKED"),
    orElse: () => sql.literal("")
  })

  /**
   * One transaction. PostgreSQL may stop one of two that wait for each other; it is begun again.
   */
  const atomically = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    toDeskError(sql.withTransaction(effect).pipe(Effect.retry({ times: 5, while: isStopped })))

  const items = sql.literal(
    Object.keys(ItemRow.fields)
      .map((field) => `i.${field}`)
      .join(", ")
  )
  const valueFields = sql.literal(
    Object.keys(ValueRow.fields)
      .map((field) => `v.${field}`)
      .join(", ")
  )

  /** Items with their columns, in the given order; those that are not there are left out. */
  const load = Effect.fnUntraced(function* (digests: ReadonlyArray<string>, lock: boolean) {
    const found = new Map<string, Stored>()
    for (const some of groups([...new Set(digests)].sort(byCodeUnit), together)) {
      const rows = yield* rowsOf(
        ItemRow,
        sql`SELECT ${items} FROM desk_items i WHERE ${sql.in("digest", some)} ORDER BY digest ${lock ? held : sql.literal("")}`
      )
      const values = yield* rowsOf(
        ValueRow,
        sql`SELECT ${valueFields} FROM desk_values v WHERE ${sql.in("digest", some)} ORDER BY digest, nth`
      )
      const byDigest = Map.groupBy(
        values.map((value) => ({ ...value, several: isSeveral(value.col) })),
        ({ digest }) => digest
      )
      for (const row of rows) found.set(row.digest, { row, values: byDigest.get(row.digest) ?? [] })
    }
    return digests.flatMap((digest) => {
      const one = found.get(digest)
      return one === undefined ? [] : [one]
    })
  })

  const loadOne = Effect.fnUntraced(function* (digest: string) {
    const [one] = yield* load([digest], true)
    return one ?? (yield* new NotAtDesk({ what: "item", name: digest }))
  })

  const rowsOfItems = Effect.fnUntraced(function* (digests: ReadonlyArray<string>) {
    const all: Array<RowRow> = []
    for (const some of groups([...new Set(digests)], together))
      all.push(
        ...(yield* rowsOf(RowRow, sql`SELECT digest, row_id, cells FROM desk_rows WHERE ${sql.in("digest", some)}`))
      )
    return Map.groupBy(
      all.sort((a, b) => byCodeUnit(a.row_id, b.row_id)),
      ({ digest }) => digest
    )
  })

  const asItems = Effect.fnUntraced(function* (stored: ReadonlyArray<Stored>) {
    const rows = yield* rowsOfItems(stored.map(({ row }) => row.digest))
    return stored.map((one) => itemOf(one, rows.get(one.row.digest) ?? []))
  })
  const known = new Set(columns)
  const checkColumns = (named: Iterable<string>): Effect.Effect<void, NotAtDesk> => {
    for (const name of named) if (!known.has(name)) return Effect.fail(new NotAtDesk({ what: "column", name }))
    return Effect.void
  }
  /** Whether values fit their columns: a list where a cell may have several, else one class. */
  const checkValues = Effect.fnUntraced(function* (values: ReadonlyArray<ColumnValue>) {
    yield* checkColumns(values.map(({ column }) => column))
    for (const { column, value } of values) {
      if (value === null) continue
      const separator = Object.hasOwn(separators, column) ? separators[column] : undefined
      if (separator === undefined && typeof value !== "string")
        return yield* new WrongValue({ column, detail: "expected one class, got a list" })
      if (separator === undefined) continue
      if (typeof value === "string")
        return yield* new WrongValue({
          column,
          detail: `it may have several values: expected a list such as [${JSON.stringify(value)}], got one class`
        })
      const divided = value.find((label) => label.includes(separator))
      if (divided !== undefined)
        return yield* new WrongValue({
          column,
          detail: `${JSON.stringify(divided)} has ${JSON.stringify(separator)} in it, which divides the values of a cell; send them as two`
        })
    }
  })
  const insertAll = Effect.fnUntraced(function* (
    table: string,
    rows: ReadonlyArray<Record<string, unknown>>,
    end: string
  ) {
    for (const some of groups(rows, together))
      if (Arr.isReadonlyArrayNonEmpty(some))
        yield* sql`INSERT INTO ${sql(table)} ${sql.insert(some)} ${sql.literal(end)}`
  })

  return {
    sql,
    settings,
    held,
    heldOrSkipped,
    atomically,
    rowsOf,
    load,
    loadOne,
    rowsOfItems,
    asItems,
    isSeveral,
    checkColumns,
    checkValues,
    insertAll
  }
}
export type DeskTables = ReturnType<typeof deskTables>
