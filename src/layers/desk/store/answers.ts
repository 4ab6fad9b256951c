/** Answers and all other changes of items, each with its lines of the log, and their undoing. */
import { Clock, Effect, Result, Schema } from "effect"
import type { ColumnValue } from "../../../run/serve/ColumnValue.ts"
import { certaintyOf, suggestedValue, textOf } from "../../../run/serve/ColumnValue.ts"
import type { Acknowledged, Lease } from "../../../run/serve/Desk.ts"
import { Action, AnswerConflict, LeaseLost, NotAtDesk, NothingToUndo } from "../../../run/serve/Desk.ts"
import type { DeskTables } from "./deskTables.ts"
import type { queueOf } from "./queue.ts"
import type { StandingColumn } from "./standing.ts"
import { answered, canBeSeconded, returned, seconded, settled, skipped, Standing, taskOf } from "./standing.ts"
import type { Stored } from "./stored.ts"
import { answerOf, isTaskBlind, placesOf, standingOf, topsOf } from "./stored.ts"

export const answersOf = (
  { atomically, checkColumns, checkValues, insertAll, isSeveral, load, loadOne, rowsOf, settings, sql }: DeskTables,
  { free, lease }: ReturnType<typeof queueOf>
) => {
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
    // Of an audit nobody had asked for the opinion, and it stays one without sight of the first.
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

  return { answer, confirm, skip, putBack, askSecond, undo }
}
