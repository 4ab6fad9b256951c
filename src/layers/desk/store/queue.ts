/** Who gets which item: leases, orders, the grid. */
import { Clock, Effect, Schema } from "effect"
import { textOf } from "../../../run/serve/ColumnValue.ts"
import type { Lease, Order } from "../../../run/serve/Task.ts"
import { LeaseLost, NotAtDesk } from "../../../run/serve/DeskFaults.ts"
import type { DeskTables } from "./deskTables.ts"
import { taskOf } from "./standing.ts"
import type { Stored } from "./stored.ts"
import { standingOf, taskFor } from "./stored.ts"
import { placeColumn } from "./tables.ts"

export const queueOf = ({
  atomically,
  checkColumns,
  heldOrSkipped,
  isSeveral,
  load,
  loadOne,
  rowsOf,
  settings,
  sql
}: DeskTables) => {
  const { columns } = settings
  const leaseTime = settings.leaseSeconds * 1000

  const lease = Effect.fnUntraced(function* (
    operator: string,
    found: ReadonlyArray<{ readonly stored: Stored; readonly task: Lease["task"] }>,
    purpose: string
  ) {
    const until = (yield* Clock.currentTimeMillis) + leaseTime
    for (const [task, some] of Map.groupBy(found, ({ task }) => task))
      yield* sql`UPDATE desk_items SET lease_by = ${operator}, lease_until = ${until}, lease_task = ${task}, lease_for = ${purpose} WHERE ${sql.in(
        "digest",
        some.map(({ stored }) => stored.row.digest)
      )}`
    return found.map(({ stored, task }) => taskFor(stored, { operator, until, task }, columns))
  })
  /** Nobody else holds the item: it is free, its lease ran out, or this operator's. */
  const free = (operator: string, now: number) =>
    sql`(i.lease_by IS NULL OR i.lease_by = ${operator} OR i.lease_until <= ${now})`

  /** Leases of this operator for something else go back, but those of an undo and of audit lists. */
  const letGo = (operator: string, purpose: string) =>
    sql`UPDATE desk_items SET lease_by = NULL, lease_until = NULL, lease_task = NULL, lease_for = NULL WHERE lease_by = ${operator} AND lease_for NOT IN (${purpose}, 'take', 'undo')`

  type Where = ReturnType<typeof free>

  /** Digests that fit, lowest place first; rows that another server is about to lease are passed over. */
  const pick = Effect.fnUntraced(function* (where: Where, place: string, count: number) {
    const by = sql.literal(`i.${place}, i.digest`)
    const rows = yield* rowsOf(
      Schema.Struct({ digest: Schema.String }),
      sql`SELECT i.digest FROM desk_items i WHERE ${where} ORDER BY ${by} LIMIT ${count} ${heldOrSkipped}`
    )
    return rows.map(({ digest }) => digest)
  })

  const passedBy = (operator: string) =>
    sql`EXISTS (SELECT 1 FROM desk_passed p WHERE p.digest = i.digest AND p.who = ${operator})`

  /** What waits for an operator in an order, as conditions, the most urgent first. */
  const waiting = (
    operator: string,
    order: Order
  ): ReadonlyArray<{ readonly where: Where; readonly task: Lease["task"]; readonly place: string }> => {
    const place = placeColumn[order]
    const another = sql`(i.answered_by IS NULL OR i.answered_by <> ${operator})`
    const fresh = sql`NOT ${passedBy(operator)}`
    const last = sql`EXISTS (SELECT 1 FROM desk_passed p WHERE p.digest = i.digest AND p.who = ${operator} AND p.never = 0)`
    const wanted = {
      where: sql`i.opinion = 'wanted' AND i.state <> 'open' AND ${another} AND ${fresh}`,
      task: "second" as const,
      place: "came"
    }
    const open = [
      { where: sql`i.state = 'open' AND ${fresh}`, task: "first" as const, place },
      { where: sql`i.state = 'open' AND ${last}`, task: "first" as const, place }
    ]
    if (order === "audit")
      return [
        wanted,
        {
          where: sql`i.state IN ('answered', 'labelled') AND i.opinion = 'none' AND ${another} AND ${fresh}`,
          task: "second",
          place
        }
      ]
    if (order === "disagreement")
      return [
        wanted,
        { where: sql`i.opinion = 'disputed' AND ${fresh}`, task: "settle", place },
        {
          where: sql`i.state = 'labelled' AND i.opinion = 'none' AND i.place_disagreement < 0 AND ${fresh}`,
          task: "correct",
          place
        },
        ...open
      ]
    return [wanted, ...open]
  }

  const next = Effect.fn("Desk.next")(function* (request: {
    readonly operator: string
    readonly order: Order
    readonly count: number
  }) {
    const { count, operator, order } = request
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* letGo(operator, order)
        const place = placeColumn[order]
        const mine = yield* pick(
          sql`i.lease_by = ${operator} AND i.lease_until > ${now} AND i.lease_for IN (${order}, 'undo')`,
          place,
          count
        )
        const found = (yield* load(mine, false)).flatMap((stored) =>
          stored.row.lease_task === null ? [] : [{ stored, task: stored.row.lease_task }]
        )
        for (const { place, task, where } of waiting(operator, order)) {
          const left = count - found.length
          if (left <= 0) break
          const taken = found.map(({ stored }) => stored.row.digest)
          const others = taken.length === 0 ? where : sql`${where} AND i.digest NOT IN ${sql.in(taken)}`
          const digests = yield* pick(sql`${others} AND ${free(operator, now)}`, place, left)
          for (const stored of yield* load(digests, false)) found.push({ stored, task })
        }
        return yield* lease(operator, found, order)
      })
    )
  })

  const grid = Effect.fn("Desk.grid")(function* (request: {
    readonly operator: string
    readonly column: string
    readonly label: string
    readonly count: number
  }) {
    const { column, count, label, operator } = request
    yield* checkColumns([column])
    const suggested = textOf(isSeveral(column) ? [label] : label)
    const purpose = `grid ${column} ${label}`
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* letGo(operator, purpose)
        const rows = yield* rowsOf(
          Schema.Struct({ digest: Schema.String }),
          sql`SELECT i.digest FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.col = ${column} AND v.label = ${suggested} AND v.value IS NULL AND v.skipped = 0 AND i.state = 'open' AND i.blind = 0 AND ${free(operator, now)} AND NOT ${passedBy(operator)} ORDER BY v.probability DESC, i.digest LIMIT ${count} ${heldOrSkipped}`
        )
        const found = yield* load(
          rows.map(({ digest }) => digest),
          false
        )
        return yield* lease(
          operator,
          found.map((stored) => ({ stored, task: "first" as const })),
          purpose
        )
      })
    )
  })

  const take = Effect.fn("Desk.take")(function* (operator: string, digest: string) {
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const stored = yield* loadOne(digest)
        const { row } = stored
        if (row.lease_by !== null && row.lease_by !== operator && (row.lease_until ?? 0) > now)
          return yield* new LeaseLost({ digest, until: row.lease_until })
        const task =
          row.lease_by === operator && row.lease_task !== null ? row.lease_task : taskOf(standingOf(stored), operator)
        const [leased] = yield* lease(operator, [{ stored, task }], "take")
        return leased ?? (yield* new NotAtDesk({ what: "item", name: digest }))
      })
    )
  })

  const renew = Effect.fn("Desk.renew")(function* (operator: string, digests: ReadonlyArray<string>) {
    if (digests.length === 0) return []
    return yield* atomically(
      Effect.gen(function* () {
        const until = (yield* Clock.currentTimeMillis) + leaseTime
        return yield* rowsOf(
          Schema.Struct({ digest: Schema.String, until: Schema.Finite }),
          sql`UPDATE desk_items SET lease_until = ${until} WHERE lease_by = ${operator} AND ${sql.in("digest", digests)} RETURNING digest, lease_until AS until`
        )
      })
    )
  })

  return { free, lease, next, grid, take, renew }
}
