/** What is read of a desk: audit lists, the log, and what leaves it. */
import { Effect, Option, Schema, Stream } from "effect"
import type { Value } from "../../../run/serve/ColumnValue.ts"
import { textOf, valueIn, valueOf } from "../../../run/serve/ColumnValue.ts"
import type { AuditEntry, AuditList } from "../../../run/serve/Audit.ts"
import type { Correction } from "../../../run/serve/Correction.ts"
import type { Desk } from "../../../run/serve/Desk.ts"
import type { LogEntry } from "../../../run/serve/LogEntry.ts"
import { Action } from "../../../run/serve/LogEntry.ts"
import type { DeskTables } from "./deskTables.ts"
import { toDeskError } from "./deskTables.ts"
import type { Stored } from "./stored.ts"
import type { RowRow } from "./tables.ts"

/** Rows that are read at a time where all are. */
const page = 1000
const LogRow = Schema.Struct({
  entry: Schema.Int,
  stroke: Schema.Int,
  at: Schema.Finite,
  who: Schema.String,
  action: Action,
  digest: Schema.String,
  col: Schema.String,
  was: Schema.NullOr(Schema.String),
  became: Schema.NullOr(Schema.String),
  version: Schema.Int,
  model: Schema.NullOr(Schema.String),
  run: Schema.NullOr(Schema.String),
  suggested: Schema.NullOr(Schema.String),
  probability: Schema.NullOr(Schema.Finite),
  seconds: Schema.NullOr(Schema.Finite),
  blind: Schema.Literals([0, 1])
})

export const recordsOf = ({ asItems, isSeveral, load, rowsOf, rowsOfItems, sql }: DeskTables) => {
  const AuditRow = Schema.Struct({
    digest: Schema.String,
    col: Schema.String,
    other: Schema.NullOr(Schema.String),
    probability: Schema.NullOr(Schema.Finite)
  })

  const auditRows = (operator: string, list: AuditList) => {
    switch (list) {
      case "labelErrors":
        // A blind answer is not asked about again with the model's in sight: it measures the model.
        return sql`SELECT v.digest, v.col, v.label AS other, v.probability FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.value IS NOT NULL AND v.label IS NOT NULL AND v.label <> v.value AND i.opinion <> 'settled' AND (i.blind = 0 OR i.state = 'labelled') AND i.state IN ('answered', 'labelled') ORDER BY v.probability DESC, v.digest, v.nth`
      case "conflicts":
        return sql`SELECT v.digest, v.col, v.conflict AS other, v.probability FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.conflict IS NOT NULL AND i.answered_by IS NULL ORDER BY v.digest, v.nth`
      case "disagreements":
        return sql`SELECT v.digest, v.col, v.second AS other, CASE WHEN v.label = v.second THEN v.probability ELSE 0 END AS probability FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE i.opinion = 'disputed' AND v.second IS NOT NULL AND v.first IS NOT NULL AND v.second <> v.first ORDER BY i.second_at DESC, v.digest, v.nth`
      case "skipped":
        return sql`SELECT v.digest, v.col, v.label AS other, v.probability FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.skipped = 1 ORDER BY i.answered_at DESC, v.digest, v.nth`
      case "history":
        return sql`SELECT v.digest, v.col, v.label AS other, v.probability FROM (SELECT digest, MAX(id) AS newest FROM desk_changes WHERE who = ${operator} AND action NOT IN ('release', 'undo') GROUP BY digest) h JOIN desk_values v ON v.digest = h.digest ORDER BY h.newest DESC, v.nth`
    }
  }

  const audit = Effect.fn("Desk.audit")(function* (request: {
    readonly operator: string
    readonly list: AuditList
    readonly from: number
    readonly count: number
  }) {
    const { count, from, list, operator } = request
    return yield* toDeskError(
      Effect.gen(function* () {
        const rows = yield* rowsOf(AuditRow, sql`${auditRows(operator, list)} LIMIT ${count} OFFSET ${from}`)
        const found = new Map(
          (yield* asItems(
            yield* load(
              rows.map(({ digest }) => digest),
              false
            )
          )).map((one) => [one.digest, one])
        )
        return rows.flatMap(({ col, digest, other, probability }): ReadonlyArray<AuditEntry> => {
          const one = found.get(digest)
          if (one === undefined) return []
          // Whoever may be asked for the second opinion does not see the first here.
          const hidden = one.opinion === "wanted" && one.answer?.operator !== operator
          // Own history of a blind item without an answer does not show what the model says.
          const blind = one.blind && one.state === "open"
          return [
            {
              item: { ...one, ...(hidden && { answer: null }), ...(blind && { suggestions: [] }) },
              column: col,
              other: blind ? null : valueIn(other, isSeveral(col)),
              probability: blind ? 0 : (probability ?? 0)
            }
          ]
        })
      })
    )
  })

  const log = Effect.fn("Desk.log")(function* (request: {
    readonly before: number | null
    readonly count: number
    readonly digest: string | null
    readonly operator: string | null
  }) {
    const { before, count, digest, operator } = request
    const wanted = [
      ...(before === null ? [] : [sql`entry < ${before}`]),
      ...(digest === null ? [] : [sql`digest = ${digest}`]),
      ...(operator === null ? [] : [sql`who = ${operator}`])
    ]
    const where = wanted.length === 0 ? sql.literal("") : sql`WHERE ${sql.and(wanted)}`
    const fields = sql.literal(Object.keys(LogRow.fields).join(", "))
    const rows = yield* toDeskError(
      rowsOf(LogRow, sql`SELECT ${fields} FROM desk_log ${where} ORDER BY entry DESC LIMIT ${count}`)
    )
    return rows.map(({ became, blind, col, stroke, suggested, was, who, ...line }): LogEntry => ({
      ...line,
      change: stroke,
      operator: who,
      column: col,
      from: valueIn(was, isSeveral(col)),
      to: valueIn(became, isSeveral(col)),
      suggested: valueIn(suggested, isSeveral(col)),
      blind: blind === 1
    }))
  })

  /** Changed cells of some items. */
  const correctionsOf = (stored: Stored, rows: ReadonlyArray<RowRow>): ReadonlyArray<Correction> => {
    const { row, values } = stored
    const ofRow = (id: string | null, cells: ReadonlyMap<string, Value | null>) =>
      values.flatMap(({ col, several, value }): ReadonlyArray<Correction> => {
        const from = cells.get(col) ?? null
        return value === null || value === (from === null ? null : textOf(from))
          ? []
          : [{ digest: row.digest, row: id, name: row.name, column: col, from, to: valueOf(value, several) }]
      })
    if (rows.length === 0) return ofRow(null, new Map())
    return rows.flatMap(({ cells, row_id }) =>
      ofRow(row_id, new Map(cells.map(({ column, value }) => [column, value])))
    )
  }

  const promotedAt = Effect.gen(function* () {
    const [live] = yield* rowsOf(
      Schema.Struct({ promoted: Schema.NullOr(Schema.Finite) }),
      sql`SELECT promoted FROM desk_models WHERE state = 'live'`
    )
    return live?.promoted ?? null
  })

  const corrections: Desk["Service"]["corrections"] = ({ of }) =>
    Stream.paginate("", (after: string) =>
      toDeskError(
        Effect.gen(function* () {
          const rows = yield* rowsOf(
            Schema.Struct({ digest: Schema.String }),
            sql`SELECT digest FROM desk_items WHERE digest > ${after} AND answered_by IS NOT NULL ORDER BY digest LIMIT ${page}`
          )
          const promoted = of === "training" ? yield* promotedAt : null
          const stored = (yield* load(
            rows.map(({ digest }) => digest),
            false
          )).filter(
            ({ row }) =>
              of === "all" ||
              (row.part !== "validation" &&
                row.part !== "test" &&
                row.opinion !== "disputed" &&
                // The gate measures on these: a model that was trained on them would be measured on what it has seen.
                !(row.blind === 1 && (promoted === null || (row.answered_at ?? 0) > promoted)))
          )
          const cells = yield* rowsOfItems(stored.map(({ row }) => row.digest))
          const found = stored.flatMap((one) => correctionsOf(one, cells.get(one.row.digest) ?? []))
          const last = rows.length < page ? undefined : rows.at(-1)?.digest
          return [found, Option.fromUndefinedOr(last)] as const
        })
      )
    )

  const answersSince = Effect.fn("Desk.answersSince")(function* (since: number | null) {
    const later = since === null ? sql.literal("") : sql`AND answered_at > ${since}`
    const [row] = yield* toDeskError(
      rowsOf(
        Schema.Struct({ n: Schema.Int }),
        sql`SELECT CAST(COUNT(*) AS INTEGER) AS n FROM desk_items WHERE answered_by IS NOT NULL AND state = 'answered' ${later}`
      )
    )
    return row?.n ?? 0
  })

  const blindAnswers = Effect.fn("Desk.blindAnswers")(function* (since: number | null) {
    const later = since === null ? sql.literal("") : sql`AND l.at > ${since}`
    // The first answer, where it was not taken back and still holds.
    const rows = yield* toDeskError(
      rowsOf(
        Schema.Struct({ digest: Schema.String, column: Schema.String, value: Schema.String }),
        sql`SELECT DISTINCT l.digest, l.col AS "column", l.became AS value FROM desk_log l JOIN desk_values v ON v.digest = l.digest AND v.col = l.col WHERE l.blind = 1 AND l.action = 'answer' AND l.task = 'first' AND l.became IS NOT NULL AND v.value = l.became ${later} AND NOT EXISTS (SELECT 1 FROM desk_log u WHERE u.undoes = l.change) ORDER BY l.digest, l.col`
      )
    )
    return rows.map((row) => ({ ...row, value: valueOf(row.value, isSeveral(row.column)) }))
  })

  return { audit, log, corrections, answersSince, blindAnswers }
}
