/** How far a desk is, who did what, and what can honestly be said of people and model. */
import { Clock, Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { Honesty, Progress, Rate } from "../../../run/serve/DeskMetrics.ts"
import { differenceOfShares } from "../../../metrics/differenceOfShares.ts"
import { wilson } from "../../../metrics/wilson.ts"
import { rowsOf } from "./deskTables.ts"

/** A pause of more than this is no work: five minutes. */
const pause = 300_000

/** A share with its interval. */
const rate = (hits: number, of: number): Rate => ({
  hits,
  of,
  share: of === 0 ? null : hits / of,
  interval: wilson(hits, of)
})

const StateRow = Schema.Struct({ state: Schema.String, opinion: Schema.String, n: Schema.Int })
const ActionRow = Schema.Struct({ who: Schema.String, action: Schema.String, n: Schema.Int })
const HoursRow = Schema.Struct({ who: Schema.String, worked: Schema.NullOr(Schema.Finite) })
const HitsRow = Schema.Struct({ who: Schema.String, hits: Schema.Int, n: Schema.Int })

const sum = <A>(rows: ReadonlyArray<A>, fits: (row: A) => boolean, size: (row: A) => number): number =>
  rows.reduce((total, row) => total + (fits(row) ? size(row) : 0), 0)

export const progressOf = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const now = yield* Clock.currentTimeMillis
  const states = yield* rowsOf(
    StateRow,
    sql`SELECT state, opinion, CAST(COUNT(*) AS INTEGER) AS n FROM desk_items GROUP BY state, opinion`
  )
  const [leased] = yield* rowsOf(
    Schema.Struct({ n: Schema.Int }),
    sql`SELECT CAST(COUNT(*) AS INTEGER) AS n FROM desk_items WHERE lease_by IS NOT NULL AND lease_until > ${now}`
  )
  const actions = yield* rowsOf(
    ActionRow,
    sql`SELECT who, action, CAST(COUNT(*) AS INTEGER) AS n FROM desk_changes GROUP BY who, action`
  )
  const hours = yield* rowsOf(
    HoursRow,
    sql`SELECT who, SUM(CASE WHEN gap < ${pause} THEN gap ELSE 0 END) AS worked FROM (SELECT who, at - LAG(at) OVER (PARTITION BY who ORDER BY id) AS gap FROM desk_strokes) gaps GROUP BY who`
  )
  const agreement = yield* rowsOf(
    HitsRow,
    sql`SELECT l.who, CAST(SUM(CASE WHEN l.became = l.suggested THEN 1 ELSE 0 END) AS INTEGER) AS hits, CAST(COUNT(*) AS INTEGER) AS n FROM desk_log l WHERE l.action = 'answer' AND l.task = 'first' AND l.blind = 0 AND l.became IS NOT NULL AND l.suggested IS NOT NULL AND NOT EXISTS (SELECT 1 FROM desk_log u WHERE u.undoes = l.change) GROUP BY l.who`
  )
  const seconded = yield* rowsOf(
    HitsRow,
    sql`SELECT i.first_by AS who, CAST(SUM(CASE WHEN v.first = v.second THEN 1 ELSE 0 END) AS INTEGER) AS hits, CAST(COUNT(*) AS INTEGER) AS n FROM desk_items i JOIN desk_values v ON v.digest = i.digest WHERE i.first_by IS NOT NULL AND v.first IS NOT NULL AND v.second IS NOT NULL GROUP BY i.first_by`
  )
  const of = (state: string) =>
    sum(
      states,
      (row) => row.state === state,
      (row) => row.n
    )
  const withOpinion = (opinion: string) =>
    sum(
      states,
      (row) => row.opinion === opinion,
      (row) => row.n
    )
  const shareOf = (rows: ReadonlyArray<typeof HitsRow.Type>, operator: string) => {
    const found = rows.find(({ who }) => who === operator)
    return rate(found?.hits ?? 0, found?.n ?? 0)
  }
  const operators = [...new Set(actions.map(({ who }) => who))].sort().map((operator) => {
    const did = (...names: ReadonlyArray<string>) =>
      sum(
        actions,
        ({ action, who }) => who === operator && names.includes(action),
        ({ n }) => n
      )
    const answers = did("answer", "second", "settle")
    const worked = (hours.find(({ who }) => who === operator)?.worked ?? 0) / 3_600_000
    return {
      operator,
      answers,
      skips: did("skip"),
      undos: did("undo"),
      hours: worked,
      perHour: worked > 0 ? answers / worked : null,
      agreement: shareOf(agreement, operator),
      seconded: shareOf(seconded, operator)
    }
  })
  return {
    total: sum(
      states,
      () => true,
      ({ n }) => n
    ),
    open: of("open"),
    answered: of("answered"),
    skipped: of("skipped"),
    labelled: of("labelled"),
    leased: leased?.n ?? 0,
    wanted: withOpinion("wanted"),
    disputed: withOpinion("disputed"),
    operators
  } satisfies Progress
})

const ByBlind = Schema.Struct({ col: Schema.String, blind: Schema.Literals([0, 1]), hits: Schema.Int, n: Schema.Int })

/**
 * For each column: the model by blind answers, agreement where suggestions were shown, what lies between, and people by
 * second opinions. Answers that were taken back do not count.
 */
export const honestyOf = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  columns: ReadonlyArray<string>,
  since: number | null
) {
  const later = (column: string) => (since === null ? sql.literal("") : sql`AND ${sql.literal(column)} > ${since}`)
  const answers = yield* rowsOf(
    ByBlind,
    sql`SELECT l.col, l.blind, CAST(SUM(CASE WHEN l.became = l.suggested THEN 1 ELSE 0 END) AS INTEGER) AS hits, CAST(COUNT(*) AS INTEGER) AS n FROM desk_log l WHERE l.action = 'answer' AND l.task = 'first' AND l.became IS NOT NULL AND l.suggested IS NOT NULL ${later("l.at")} AND NOT EXISTS (SELECT 1 FROM desk_log u WHERE u.undoes = l.change) GROUP BY l.col, l.blind`
  )
  // The first answer stood where the second agrees, or the dispute was settled for it; a dispute that is open counts not yet.
  const people = yield* rowsOf(
    ByBlind,
    sql`SELECT v.col, i.blind, CAST(SUM(CASE WHEN v.first = v.value THEN 1 ELSE 0 END) AS INTEGER) AS hits, CAST(COUNT(*) AS INTEGER) AS n FROM desk_items i JOIN desk_values v ON v.digest = i.digest WHERE i.opinion IN ('agreed', 'settled') AND i.first_by IS NOT NULL AND v.first IS NOT NULL ${later("i.second_at")} GROUP BY v.col, i.blind`
  )
  const found = (rows: ReadonlyArray<typeof ByBlind.Type>, column: string, blind: 0 | 1) =>
    rows.find((row) => row.col === column && row.blind === blind) ?? { hits: 0, n: 0 }
  return columns.map((column): Honesty => {
    const blind = found(answers, column, 1)
    const shown = found(answers, column, 0)
    const peopleBlind = found(people, column, 1)
    const peopleShown = found(people, column, 0)
    return {
      column,
      model: rate(blind.hits, blind.n),
      shown: rate(shown.hits, shown.n),
      bias: differenceOfShares({ hits: shown.hits, of: shown.n }, { hits: blind.hits, of: blind.n }),
      peopleBlind: rate(peopleBlind.hits, peopleBlind.n),
      peopleShown: rate(peopleShown.hits, peopleShown.n)
    }
  })
})
