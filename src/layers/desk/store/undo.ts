/** Taking changes back. */
import { Clock, Effect, Schema } from "effect"
import { NothingToUndo } from "../../../run/serve/DeskFaults.ts"
import { Action } from "../../../run/serve/LogEntry.ts"
import type { Lease } from "../../../run/serve/Task.ts"
import type { changesOf } from "./changes.ts"
import type { DeskTables } from "./deskTables.ts"
import type { queueOf } from "./queue.ts"
import { Standing, taskOf } from "./standing.ts"
import type { Stored } from "./stored.ts"
import { standingOf } from "./stored.ts"

export const undoOf = (
  { atomically, load, rowsOf, sql }: DeskTables,
  { free, lease }: ReturnType<typeof queueOf>,
  { newStroke, write }: ReturnType<typeof changesOf>
) => {
  const ChangeRow = Schema.Struct({
    id: Schema.Int,
    digest: Schema.String,
    action: Action,
    before: Schema.fromJsonString(Standing),
    version: Schema.Int,
    passed: Schema.Literals([0, 1, 2])
  })

  /** The task that a change answered, where what the item holds does not show it. */
  const taskBefore = (
    { action, before, passed }: typeof ChangeRow.Type,
    stored: Stored,
    operator: string
  ): Lease["task"] | undefined => {
    // In an audit nobody had asked for the opinion; it is still given without sight of the first answer.
    if (action === "second") return "second"
    const isOthers = before.answeredBy !== operator && before.state !== "open"
    return passed === 1 && isOthers && stored.row.opinion !== "disputed" ? "second" : undefined
  }

  const undo = Effect.fn("Desk.undo")(function* (operator: string) {
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        // A change stands while it is the one that made what the item holds now; letting an item go, while nothing has
        // happened to the item since.
        const stands = sql`(i.change = c.id OR (c.passed = 1 AND i.version = c.version AND ${free(operator, now)}))`
        const [newest] = yield* rowsOf(
          Schema.Struct({ stroke: Schema.Int }),
          sql`SELECT c.stroke FROM desk_changes c JOIN desk_items i ON i.digest = c.digest WHERE c.who = ${operator} AND ${stands} ORDER BY c.stroke DESC LIMIT 1`
        )
        if (newest === undefined) return yield* new NothingToUndo({ operator })
        const changes = yield* rowsOf(
          ChangeRow,
          sql`SELECT c.id, c.digest, c.action, c.before, c.version, c.passed FROM desk_changes c JOIN desk_items i ON i.digest = c.digest WHERE c.who = ${operator} AND c.stroke = ${newest.stroke} AND ${stands} ORDER BY c.digest`
        )
        const digests = changes.map(({ digest }) => digest)
        const held = new Map((yield* load(digests, true)).map((one) => [one.row.digest, one]))
        const standing = changes.flatMap((change) => {
          const stored = held.get(change.digest)
          // Asked again under the lock: another server may have changed it in between.
          const still = change.passed === 1 ? stored?.row.version === change.version : stored?.row.change === change.id
          return stored !== undefined && still ? [{ change, stored }] : []
        })
        if (standing.length === 0) return yield* new NothingToUndo({ operator })
        const stroke = yield* newStroke(operator, now)
        for (const { change, stored } of standing) {
          yield* write(stored, change.passed === 1 ? standingOf(stored) : change.before, {
            operator,
            stroke,
            now,
            action: "undo",
            task: null,
            undoes: change.id,
            isSecond: change.action === "second",
            isPass: change.passed === 1
          })
          if (change.passed === 1) yield* sql`UPDATE desk_changes SET passed = 2 WHERE id = ${change.id}`
        }
        const undone = standing.map(({ change }) => change.digest)
        yield* sql`DELETE FROM desk_passed WHERE who = ${operator} AND ${sql.in("digest", undone)}`
        const tasks = new Map(
          standing.map(({ change, stored }) => [change.digest, taskBefore(change, stored, operator)])
        )
        return yield* lease(
          operator,
          (yield* load(undone, false)).map((stored) => ({
            stored,
            task: tasks.get(stored.row.digest) ?? taskOf(standingOf(stored), operator)
          })),
          "undo"
        )
      })
    )
  })

  return { undo }
}
