/** Answers and all other changes of items, each by one transaction. */
import { Clock, Effect, Result } from "effect"
import type { ColumnValue } from "../../../run/serve/ColumnValue.ts"
import { AnswerConflict, LeaseLost, NotAtDesk } from "../../../run/serve/DeskFaults.ts"
import type { Action } from "../../../run/serve/LogEntry.ts"
import type { Acknowledged, Lease } from "../../../run/serve/Task.ts"
import type { changesOf } from "./changes.ts"
import type { DeskTables } from "./deskTables.ts"
import type { Standing } from "./standing.ts"
import { answered, canBeSeconded, returned, seconded, settled, skipped, taskOf } from "./standing.ts"
import type { Stored } from "./stored.ts"
import { answerOf, standingOf } from "./stored.ts"

export const answersOf = (
  { atomically, checkColumns, checkValues, isSeveral, load, loadOne, sql }: DeskTables,
  { newStroke, write }: ReturnType<typeof changesOf>
) => {
  /** The task that an operator may do with an item now. */
  const allowed = (
    stored: Stored,
    operator: string,
    version: number,
    now: number
  ): Result.Result<Lease["task"], AnswerConflict | LeaseLost> => {
    const { row } = stored
    const isMine = row.lease_by === operator
    const isOthers = row.lease_by !== null && !isMine && (row.lease_until ?? 0) > now
    if (row.version !== version) {
      // Whoever is to give a second opinion does not see the first.
      const isHidden = isMine ? row.lease_task === "second" : taskOf(standingOf(stored), operator) === "second"
      return Result.fail(
        new AnswerConflict({
          digest: row.digest,
          version: row.version,
          state: row.state,
          answer: isHidden ? null : answerOf(stored)
        })
      )
    }
    if (isMine && row.lease_task !== null) return Result.succeed(row.lease_task)
    if (isOthers) return Result.fail(new LeaseLost({ digest: row.digest, until: row.lease_until }))
    // Without a lease: an item that waits, or an answer of one's own.
    const task = taskOf(standingOf(stored), operator)
    if (task === "first" || row.answered_by === operator) return Result.succeed(task)
    return Result.fail(new LeaseLost({ digest: row.digest, until: null }))
  }

  /** The standing after an answer to a task, and what the log calls it. */
  const answerTo = (
    task: Lease["task"],
    ...parts: Parameters<typeof answered>
  ): { readonly after: Standing; readonly action: Action } => {
    if (task === "second") return { after: seconded(...parts), action: "second" }
    if (task === "settle") return { after: settled(...parts), action: "settle" }
    return { after: answered(...parts), action: "answer" }
  }

  const pass = (digest: string, operator: string, never: boolean) =>
    sql`INSERT INTO desk_passed ${sql.insert({ digest, who: operator, never: never ? 1 : 0 })} ON CONFLICT (digest, who) DO UPDATE SET never = ${never ? 1 : 0}`
  const answer = Effect.fn("Desk.answer")(function* (
    operator: string,
    answering: {
      readonly digest: string
      readonly version: number
      readonly values: ReadonlyArray<ColumnValue>
      readonly seconds: number | null
    }
  ) {
    const { digest, seconds, values, version } = answering
    yield* checkValues(values)
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const stored = yield* loadOne(digest)
        const task = yield* Effect.fromResult(allowed(stored, operator, version, now))
        const { action, after } = answerTo(task, standingOf(stored), operator, values, now)
        const stroke = yield* newStroke(operator, now)
        return yield* write(stored, after, {
          operator,
          stroke,
          now,
          action,
          task,
          seconds,
          named: values.map(({ column }) => column)
        })
      })
    )
  })

  const confirm = Effect.fn("Desk.confirm")(function* (
    operator: string,
    request: {
      readonly column: string
      readonly label: string
      readonly items: ReadonlyArray<{ readonly digest: string; readonly version: number }>
      readonly seconds: number | null
    }
  ) {
    const { column, items: asked, label, seconds } = request
    yield* checkColumns([column])
    const versions = new Map(asked.map(({ digest, version }) => [digest, version]))
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const found = yield* load([...versions.keys()], true)
        const there = new Set(found.map(({ row }) => row.digest))
        const failed: Array<AnswerConflict | LeaseLost | NotAtDesk> = [...versions.keys()]
          .filter((digest) => !there.has(digest))
          .map((digest) => new NotAtDesk({ what: "item", name: digest }))
        const confirmed: Array<Acknowledged> = []
        const stroke = yield* newStroke(operator, now)
        for (const stored of found) {
          const task = allowed(stored, operator, versions.get(stored.row.digest) ?? -1, now)
          if (Result.isFailure(task)) {
            failed.push(task.failure)
            continue
          }
          const { action, after } = answerTo(
            task.success,
            standingOf(stored),
            operator,
            [{ column, value: isSeveral(column) ? [label] : label }],
            now
          )
          confirmed.push(
            yield* write(stored, after, {
              operator,
              stroke,
              now,
              action,
              task: task.success,
              named: [column],
              // One look for all: each has its share.
              seconds: seconds === null ? null : seconds / versions.size
            })
          )
        }
        return { confirmed, failed }
      })
    )
  })

  const skip = Effect.fn("Desk.skip")(function* (
    operator: string,
    request: { readonly digest: string; readonly version: number; readonly seconds: number | null }
  ) {
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const stored = yield* loadOne(request.digest)
        const task = yield* Effect.fromResult(allowed(stored, operator, request.version, now))
        const stroke = yield* newStroke(operator, now)
        const before = standingOf(stored)
        // Only a first answer can be skipped: what has an answer keeps it, and waits for somebody else.
        if (task !== "first") yield* pass(request.digest, operator, true)
        const after = task === "first" ? skipped(before, operator, now) : before
        return yield* write(stored, after, {
          operator,
          stroke,
          now,
          action: "skip",
          task,
          seconds: request.seconds,
          isPass: task !== "first"
        })
      })
    )
  })

  const putBack = Effect.fn("Desk.putBack")(function* (
    operator: string,
    request: { readonly digest: string; readonly version: number }
  ) {
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const stored = yield* loadOne(request.digest)
        const task = yield* Effect.fromResult(allowed(stored, operator, request.version, now))
        const stroke = yield* newStroke(operator, now)
        const before = standingOf(stored)
        const isWaiting = task === "first" || task === "second"
        yield* pass(request.digest, operator, false)
        return yield* write(stored, isWaiting ? before : returned(before), {
          operator,
          stroke,
          now,
          action: isWaiting ? "release" : "return",
          task,
          isPass: isWaiting
        })
      })
    )
  })

  const askSecond = Effect.fn("Desk.askSecond")(function* (operator: string, digests: ReadonlyArray<string>) {
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const found = yield* load(digests, true)
        const there = new Set(found.map(({ row }) => row.digest))
        const missing = digests.find((digest) => !there.has(digest))
        if (missing !== undefined) return yield* new NotAtDesk({ what: "item", name: missing })
        const stroke = yield* newStroke(operator, now)
        const done: Array<Acknowledged> = []
        for (const stored of found) {
          const before = standingOf(stored)
          if (!canBeSeconded(before)) continue
          done.push(
            yield* write(stored, { ...before, opinion: "wanted" }, { operator, stroke, now, action: "ask", task: null })
          )
        }
        return done
      })
    )
  })
  return { answer, confirm, skip, putBack, askSecond }
}
