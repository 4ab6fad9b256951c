/** How a change of an item is written: the item, its columns, what an undo needs, and its lines of the log. */
import { Effect, Schema } from "effect"
import { certaintyOf, suggestedValue, textOf } from "../../../run/serve/ColumnValue.ts"
import type { Action } from "../../../run/serve/LogEntry.ts"
import type { Acknowledged, Lease } from "../../../run/serve/Task.ts"
import type { DeskTables } from "./deskTables.ts"
import type { Standing, StandingColumn } from "./standing.ts"
import type { Stored } from "./stored.ts"
import { isTaskBlind, placesOf, standingOf, topsOf } from "./stored.ts"

export const changesOf = ({ insertAll, rowsOf, settings, sql }: DeskTables) => {
  const { seed } = settings

  const newStroke = Effect.fnUntraced(function* (operator: string, now: number) {
    const [row] = yield* rowsOf(
      Schema.Struct({ id: Schema.Int }),
      sql`INSERT INTO desk_strokes ${sql.insert({ who: operator, at: now })} RETURNING id`
    )
    return row?.id ?? (yield* Effect.die("a stroke has no number"))
  })

  /** Columns whose lines the log gets: the named ones, else those that changed, else all. */
  const logged = (
    before: Standing,
    after: Standing,
    named: ReadonlyArray<string>,
    pick: (column: StandingColumn) => string | null
  ) => {
    const lines = before.columns.map((column, index) => {
      const next = after.columns[index] ?? column
      const changed = pick(column) !== pick(next) || column.skipped !== next.skipped
      return { column: column.column, was: pick(column), became: pick(next), changed }
    })
    const wanted = lines.filter(({ changed, column }) => (named.length > 0 ? named.includes(column) : changed))
    return wanted.length > 0 ? wanted : lines
  }
  /** Writes a change of one item: the item, its columns, what an undo needs, and the log. */
  const write = Effect.fnUntraced(function* (
    stored: Stored,
    after: Standing,
    request: {
      readonly operator: string
      readonly stroke: number
      readonly now: number
      readonly action: Action
      readonly task: Lease["task"] | null
      readonly named?: ReadonlyArray<string>
      readonly seconds?: number | null
      /** Of an undo: the change that it takes back. */
      readonly undoes?: number
      readonly isSecond?: boolean
      /** The item is only let go: nothing of it changes but the lease. */
      readonly isPass?: boolean
    }
  ) {
    const { row, values } = stored
    const before = standingOf(stored)
    const { action, isPass = false, named = [], now, operator, seconds = null, stroke, task, undoes } = request
    const version = isPass ? row.version : row.version + 1
    const [made] = yield* rowsOf(
      Schema.Struct({ id: Schema.Int }),
      sql`INSERT INTO desk_changes ${sql.insert({
        stroke,
        who: operator,
        digest: row.digest,
        action,
        before: JSON.stringify(before),
        version,
        // An undo is not taken back itself.
        passed: undoes === undefined ? (isPass ? 1 : 0) : 2
      })} RETURNING id`
    )
    const change = made?.id ?? null
    const keepsLease = after.state === "open" && task === "first" && action === "answer"
    yield* sql`UPDATE desk_items SET ${sql.update({
      state: after.state,
      opinion: after.opinion,
      version,
      // After an undo the change before it holds again, and can be taken back as well.
      change: undoes === undefined && !isPass ? change : after.change,
      answered_by: after.answeredBy,
      answered_at: after.answeredAt,
      first_by: after.firstBy,
      second_by: after.secondBy,
      second_at: after.secondAt,
      lease_by: keepsLease ? row.lease_by : null,
      lease_until: keepsLease ? row.lease_until : null,
      lease_task: keepsLease ? row.lease_task : null,
      lease_for: keepsLease ? row.lease_for : null,
      ...placesOf(row, after, topsOf(values), seed)
    })} WHERE digest = ${row.digest}`
    for (const [index, column] of after.columns.entries()) {
      const old = before.columns[index]
      const isSame =
        old?.value === column.value &&
        old.skipped === column.skipped &&
        old.first === column.first &&
        old.second === column.second
      if (!isSame)
        yield* sql`UPDATE desk_values SET ${sql.update({
          value: column.value,
          skipped: column.skipped ? 1 : 0,
          first: column.first,
          second: column.second
        })} WHERE digest = ${row.digest} AND col = ${column.column}`
    }
    const isSecond = request.isSecond ?? action === "second"
    const lines = logged(before, after, named, isSecond ? ({ second }) => second : ({ value }) => value)
    const byColumn = new Map(values.map((value) => [value.col, value]))
    yield* insertAll(
      "desk_log",
      lines.map(({ became, column, was }) => {
        const suggested = byColumn.get(column)
        const top = suggested?.top ?? null
        return {
          stroke,
          change,
          at: now,
          who: operator,
          action,
          task,
          digest: row.digest,
          col: column,
          was,
          became,
          version,
          model: suggested?.model ?? null,
          run: suggested?.run ?? null,
          suggested: top === null ? null : textOf(suggestedValue(top)),
          probability: top === null ? null : certaintyOf(top),
          seconds,
          blind: task !== null && isTaskBlind(row, task) ? 1 : 0,
          undoes: undoes ?? null
        }
      }),
      ""
    )
    return { digest: row.digest, version, state: after.state, opinion: after.opinion } satisfies Acknowledged
  })

  return { newStroke, write }
}
