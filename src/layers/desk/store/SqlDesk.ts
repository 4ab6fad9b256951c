/**
 * The desk on an SQL database. Each method that changes something is one transaction, with its lines of the log in it: it
 * is there wholly when the reply is sent, or not at all.
 */
import { Array as Arr, Clock, Effect, Option, Result, Schema, Stream } from "effect"
import { SqlClient, SqlError, SqlSchema } from "effect/sql"
import { messageOf } from "../../../pipeline/messageOf.ts"
import type {
  Acknowledged,
  Action,
  Answer,
  Arrival,
  AuditEntry,
  AuditList,
  CatalogueRow,
  Correction,
  DeskClass,
  DeskSettings,
  Item,
  Lease,
  LogEntry,
  Order,
  Suggestion,
  Task
} from "../../../run/serve/Desk.ts"
import {
  AnswerConflict,
  BlindAnswer,
  Desk,
  DeskError,
  LeaseLost,
  NotAtDesk,
  NothingToUndo,
  QueueFull
} from "../../../run/serve/Desk.ts"
import { isBlind, placeIn } from "../../../run/serve/order.ts"
import { byCodeUnit } from "../../../pipeline/hashOrder.ts"
import { honestyOf, progressOf } from "./deskMetrics.ts"
import type { Standing, StandingColumn } from "./standing.ts"
import {
  answered,
  canBeSeconded,
  returned,
  seconded,
  settled,
  skipped,
  Standing as StandingSchema,
  taskOf
} from "./standing.ts"
import { createTables, ItemRow, placeColumn, RowRow, ValueRow } from "./tables.ts"

/** An item as its tables have it. */
interface Stored {
  readonly row: ItemRow
  readonly values: ReadonlyArray<ValueRow>
}

/** Rows that are written by one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const together = 500

/** Rows that are read at a time where all are. */
const page = 1000

const groups = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))

const standingOf = ({ row, values }: Stored): Standing => ({
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
const placesOf = (
  item: { readonly digest: string; readonly came: number },
  standing: Pick<Standing, "state" | "opinion" | "columns">,
  tops: ReadonlyMap<string, Suggestion["top"]>,
  seed: number
) => {
  const suggested = standing.columns.flatMap(({ column, skipped, value }) => {
    const [first, second] = tops.get(column) ?? []
    const waits = standing.state !== "open" || (value === null && !skipped)
    return first === undefined || !waits
      ? []
      : [{ label: first.label, first: first.probability, second: second?.probability ?? 0, value }]
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

const topsOf = (values: ReadonlyArray<ValueRow>) =>
  new Map(values.flatMap(({ col, top }) => (top === null ? [] : [[col, top] as const])))

/** The answer that holds; of `labelled` the catalogue's. */
const answerOf = ({ row, values }: Stored): Answer | null =>
  values.every(({ value }) => value === null)
    ? null
    : {
        operator: row.answered_by,
        at: row.answered_at ?? row.came,
        values: values.map(({ col, value }) => ({ column: col, value }))
      }

/** A second opinion. */
const secondOf = ({ row, values }: Stored): Answer | null =>
  row.second_by === null || row.second_at === null
    ? null
    : {
        operator: row.second_by,
        at: row.second_at,
        values: values.map(({ col, second }) => ({ column: col, value: second }))
      }

/** The answer that the second opinion was about. */
const firstOf = ({ row, values }: Stored): Answer => ({
  operator: row.first_by,
  at: row.answered_at ?? row.came,
  values: values.map(({ col, first }) => ({ column: col, value: first }))
})

const suggestionsOf = (values: ReadonlyArray<ValueRow>): ReadonlyArray<Suggestion> =>
  values.flatMap(({ col, model, run, top }) =>
    model === null || run === null || top === null ? [] : [{ column: col, model, run, top }]
  )

const itemOf = (stored: Stored, rows: ReadonlyArray<RowRow>): Item => ({
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
const isTaskBlind = (row: ItemRow, task: Lease["task"]): boolean =>
  row.blind === 1 && (task === "first" || task === "second")

/** What a column of the catalogue's rows has: the first value, and another one where rows contradict each other. */
const sourceOf = (rows: ReadonlyArray<CatalogueRow>, column: string) => {
  const found = rows.flatMap(({ values }) => values.flatMap((cell) => (cell.column === column ? [cell.value] : [])))
  const present = found.flatMap((value) => (value === null ? [] : [value]))
  const [source = null] = present
  return { source, conflict: present.find((value) => value !== source) ?? null }
}

const reasonOf = (error: unknown): string => {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  return messageOf(reason)
}

/** An SQL error as a DeskError. */
const toDeskError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E, SqlError.SqlError> => SqlError.isSqlError(error),
    (error) => Effect.fail(new DeskError({ detail: `the desk's database: ${reasonOf(error)}`, cause: error }))
  )

const TextValue = Schema.Struct({ value: Schema.String })

const LogRow = Schema.Struct({
  entry: Schema.Int,
  stroke: Schema.Int,
  at: Schema.Finite,
  who: Schema.String,
  action: Schema.Literals(["answer", "skip", "second", "settle", "return", "release", "undo", "ask"]),
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

/** Writes the settings that all servers of a desk must share, or finds that they are other ones. */
const agreeOnSettings = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, settings: DeskSettings) {
  const mine = { columns: JSON.stringify(settings.columns), seed: String(settings.seed) }
  for (const [key, value] of Object.entries(mine)) {
    yield* sql`INSERT INTO desk_settings ${sql.insert({ key, value })} ON CONFLICT (key) DO NOTHING`
    const [found] = yield* SqlSchema.findAll({
      Request: Schema.Void,
      Result: TextValue,
      execute: () => sql`SELECT value FROM desk_settings WHERE key = ${key}`
    })(undefined).pipe(Effect.catchTag("SchemaError", Effect.die))
    if (found !== undefined && found.value !== value)
      return yield* new DeskError({
        detail:
          `this desk was begun with the ${key} ${found.value}, and is opened with ${value}. ` +
          "Give it the same, or name another database",
        cause: undefined
      })
  }
})

/** The desk over an SQL client. Fails with a DeskError where its tables cannot be created, or it was begun with other columns. */
export const makeDesk = Effect.fnUntraced(function* (settings: DeskSettings) {
  const sql = yield* SqlClient.SqlClient
  const { blindShare, columns, leaseSeconds, mostOpen, seed } = settings
  const leaseTime = leaseSeconds * 1000
  yield* toDeskError(createTables)
  yield* toDeskError(agreeOnSettings(sql, settings))

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
    toDeskError(
      sql.withTransaction(effect).pipe(
        Effect.retry({
          times: 5,
          while: (error) =>
            SqlError.isSqlError(error) &&
            (error.reason._tag === "DeadlockError" || error.reason._tag === "SerializationError")
        })
      )
    )

  /** What the tables hold is theirs: a row that does not fit its schema is a defect. */
  const rowsOf = <S extends Schema.Top & { readonly DecodingServices: never }>(
    Row: S,
    statement: Effect.Effect<ReadonlyArray<unknown>, SqlError.SqlError>
  ) => Effect.flatMap(statement, (rows) => Effect.orDie(Schema.decodeUnknownEffect(Schema.Array(Row))(rows)))

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
      const byDigest = Map.groupBy(values, ({ digest }) => digest)
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

  /** An item as the operator may see it. */
  const taskFor = (stored: Stored, lease: Lease): Task => {
    const { row, values } = stored
    const blind = isTaskBlind(row, lease.task)
    const [suggested] = blind ? [] : suggestionsOf(values)
    const shown: ReadonlyArray<Task["columns"][number]> = values.map(({ col, top, value }) => ({
      column: col,
      value: lease.task === "second" ? null : value,
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
    return found.map(({ stored, task }) => taskFor(stored, { operator, until, task }))
  })

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

  const insertAll = Effect.fnUntraced(function* (
    table: string,
    rows: ReadonlyArray<Record<string, unknown>>,
    end: string
  ) {
    for (const some of groups(rows, together))
      if (Arr.isReadonlyArrayNonEmpty(some))
        yield* sql`INSERT INTO ${sql(table)} ${sql.insert(some)} ${sql.literal(end)}`
  })

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
          suggested: suggested?.top?.[0].label ?? null,
          probability: suggested?.top?.[0].probability ?? null,
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

  const arriveSome = Effect.fnUntraced(function* (arrivals: ReadonlyArray<Arrival>) {
    const now = yield* Clock.currentTimeMillis
    const before = new Set(
      (yield* load(
        arrivals.map(({ digest }) => digest),
        false
      )).map(({ row }) => row.digest)
    )
    const fresh = [...new Map(arrivals.map((one) => [one.digest, one])).values()].filter(
      ({ digest }) => !before.has(digest)
    )
    const standings = fresh.map((arrival) => {
      const values = columns.map((column) => ({ column, ...sourceOf(arrival.rows, column) }))
      const standing = {
        state: values.every(({ source }) => source !== null) ? ("labelled" as const) : ("open" as const),
        opinion: "none" as const,
        columns: values.map(({ column, source }) => ({
          column,
          value: source,
          skipped: false,
          first: null,
          second: null
        }))
      }
      return { arrival, values, standing }
    })
    const opened = standings.filter(({ standing }) => standing.state === "open").length
    if (opened > 0) {
      const [waiting] = yield* rowsOf(
        Schema.Struct({ n: Schema.Int }),
        sql`SELECT CAST(COUNT(*) AS INTEGER) AS n FROM desk_items WHERE state = 'open'`
      )
      if ((waiting?.n ?? 0) + opened > mostOpen)
        return yield* new QueueFull({ waiting: waiting?.n ?? 0, most: mostOpen })
    }
    yield* insertAll(
      "desk_items",
      standings.map(({ arrival, standing }) => ({
        digest: arrival.digest,
        name: arrival.name,
        origin: arrival.origin,
        came: now,
        part: arrival.part,
        state: standing.state,
        opinion: standing.opinion,
        blind: isBlind(seed, blindShare, arrival.digest) ? 1 : 0,
        version: 0,
        model: arrival.suggestions[0]?.model ?? null,
        ...placesOf(
          { digest: arrival.digest, came: now },
          standing,
          new Map(arrival.suggestions.map(({ column, top }) => [column, top])),
          seed
        )
      })),
      "ON CONFLICT (digest) DO NOTHING"
    )
    yield* insertAll(
      "desk_values",
      standings.flatMap(({ arrival, values }) => {
        const suggested = new Map(arrival.suggestions.map((one) => [one.column, one]))
        return values.map(({ column, conflict, source }, nth) => {
          const one = suggested.get(column)
          return {
            digest: arrival.digest,
            nth,
            col: column,
            source,
            conflict,
            value: source,
            skipped: 0,
            model: one?.model ?? null,
            run: one?.run ?? null,
            top: one === undefined ? null : JSON.stringify(one.top),
            label: one?.top[0].label ?? null,
            probability: one?.top[0].probability ?? null
          }
        })
      }),
      "ON CONFLICT (digest, nth) DO NOTHING"
    )
    yield* insertAll(
      "desk_rows",
      arrivals.flatMap(({ digest, rows }) =>
        rows.map(({ id, values }) => ({ digest, row_id: id, cells: JSON.stringify(values) }))
      ),
      "ON CONFLICT (digest, row_id) DO NOTHING"
    )
  })

  const arrive = Effect.fn("Desk.arrive")(function* (arrivals: ReadonlyArray<Arrival>) {
    yield* checkColumns(arrivals.flatMap(({ suggestions }) => suggestions.map(({ column }) => column)))
    yield* checkColumns(
      arrivals.flatMap(({ rows }) => rows.flatMap(({ values }) => values.map(({ column }) => column)))
    )
    return yield* atomically(
      Effect.gen(function* () {
        yield* arriveSome(arrivals)
        return yield* asItems(
          yield* load(
            arrivals.map(({ digest }) => digest),
            false
          )
        )
      })
    )
  })

  const suggest = Effect.fn("Desk.suggest")(function* (
    all: ReadonlyArray<{ readonly digest: string; readonly suggestions: ReadonlyArray<Suggestion> }>
  ) {
    yield* checkColumns(all.flatMap(({ suggestions }) => suggestions.map(({ column }) => column)))
    const byDigest = new Map(all.map(({ digest, suggestions }) => [digest, suggestions]))
    yield* atomically(
      Effect.gen(function* () {
        for (const stored of yield* load([...byDigest.keys()], true)) {
          const { row, values } = stored
          const suggestions = byDigest.get(row.digest) ?? []
          for (const { column, model, run, top } of suggestions)
            yield* sql`UPDATE desk_values SET ${sql.update({
              model,
              run,
              top: JSON.stringify(top),
              label: top[0].label,
              probability: top[0].probability
            })} WHERE digest = ${row.digest} AND col = ${column}`
          const tops = new Map([...topsOf(values), ...suggestions.map(({ column, top }) => [column, top] as const)])
          yield* sql`UPDATE desk_items SET ${sql.update({
            model: suggestions[0]?.model ?? row.model,
            ...placesOf(row, standingOf(stored), tops, seed)
          })} WHERE digest = ${row.digest}`
        }
      })
    )
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
    const purpose = `grid ${column} ${label}`
    return yield* atomically(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* letGo(operator, purpose)
        const rows = yield* rowsOf(
          Schema.Struct({ digest: Schema.String }),
          sql`SELECT i.digest FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.col = ${column} AND v.label = ${label} AND v.value IS NULL AND v.skipped = 0 AND i.state = 'open' AND i.blind = 0 AND ${free(operator, now)} AND NOT ${passedBy(operator)} ORDER BY v.probability DESC, i.digest LIMIT ${count} ${heldOrSkipped}`
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

  const answer = Effect.fn("Desk.answer")(function* (
    operator: string,
    answering: {
      readonly digest: string
      readonly version: number
      readonly values: ReadonlyArray<{ readonly column: string; readonly value: string | null }>
      readonly seconds: number | null
    }
  ) {
    const { digest, seconds, values, version } = answering
    yield* checkColumns(values.map(({ column }) => column))
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
            [{ column, value: label }],
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
    action: LogRow.fields.action,
    before: Schema.fromJsonString(StandingSchema),
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

  const withoutSuggestion = Effect.fn("Desk.withoutSuggestion")(function* (model: string, most: number) {
    const rows = yield* toDeskError(
      rowsOf(
        Schema.Struct({ digest: Schema.String }),
        sql`SELECT digest FROM desk_items WHERE model IS NULL OR model <> ${model} ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, place_newest, digest LIMIT ${most}`
      )
    )
    return rows.map(({ digest }) => digest)
  })

  const item = Effect.fn("Desk.item")(function* (digest: string) {
    return yield* toDeskError(
      Effect.gen(function* () {
        const [one] = yield* asItems(yield* load([digest], false))
        return one ?? (yield* new NotAtDesk({ what: "item", name: digest }))
      })
    )
  })

  const declareClasses = Effect.fn("Desk.declareClasses")(function* (
    classes: ReadonlyArray<{ readonly column: string; readonly label: string; readonly trained: number }>
  ) {
    yield* checkColumns(classes.map(({ column }) => column))
    yield* atomically(
      Effect.gen(function* () {
        yield* sql`DELETE FROM desk_classes`
        yield* insertAll(
          "desk_classes",
          classes.map(({ column, label, trained }) => ({ col: column, label, trained })),
          "ON CONFLICT (col, label) DO UPDATE SET trained = excluded.trained"
        )
      })
    )
  })

  const Counted = Schema.Struct({ col: Schema.String, label: Schema.String, n: Schema.Int })

  const classes = toDeskError(
    Effect.gen(function* () {
      const trained = yield* rowsOf(Counted, sql`SELECT col, label, trained AS n FROM desk_classes`)
      const given = yield* rowsOf(
        Counted,
        sql`SELECT v.col, v.value AS label, CAST(COUNT(*) AS INTEGER) AS n FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.value IS NOT NULL AND i.answered_by IS NOT NULL GROUP BY v.col, v.value`
      )
      const predicted = yield* rowsOf(
        Counted,
        sql`SELECT v.col, v.label, CAST(COUNT(*) AS INTEGER) AS n FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.label IS NOT NULL AND v.value IS NULL AND v.skipped = 0 AND i.state = 'open' AND i.blind = 0 GROUP BY v.col, v.label`
      )
      const all = new Map<string, DeskClass>()
      const add = (rows: ReadonlyArray<typeof Counted.Type>, of: "trained" | "answers" | "predicted") => {
        for (const { col, label, n } of rows) {
          const key = JSON.stringify([col, label])
          const one = all.get(key) ?? { column: col, label, trained: 0, answers: 0, predicted: 0 }
          all.set(key, { ...one, [of]: n })
        }
      }
      add(trained, "trained")
      add(given, "answers")
      add(predicted, "predicted")
      const position = new Map(columns.map((column, index) => [column, index]))
      return [...all.values()].sort(
        (a, b) =>
          (position.get(a.column) ?? 0) - (position.get(b.column) ?? 0) ||
          b.trained + b.answers - a.trained - a.answers ||
          byCodeUnit(a.label, b.label)
      )
    })
  )

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
              other: blind ? null : other,
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
    return rows.map(({ became, blind, col, stroke, was, who, ...line }): LogEntry => ({
      ...line,
      change: stroke,
      operator: who,
      column: col,
      from: was,
      to: became,
      blind: blind === 1
    }))
  })

  /** Changed cells of some items. */
  const correctionsOf = (stored: Stored, rows: ReadonlyArray<RowRow>): ReadonlyArray<Correction> => {
    const { row, values } = stored
    const ofRow = (id: string | null, cells: ReadonlyMap<string, string | null>) =>
      values.flatMap(({ col, value }): ReadonlyArray<Correction> => {
        const from = cells.get(col) ?? null
        return value === null || value === from
          ? []
          : [{ digest: row.digest, row: id, name: row.name, column: col, from, to: value }]
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
    return yield* toDeskError(
      rowsOf(
        BlindAnswer,
        sql`SELECT DISTINCT l.digest, l.col AS "column", l.became AS value FROM desk_log l JOIN desk_values v ON v.digest = l.digest AND v.col = l.col WHERE l.blind = 1 AND l.action = 'answer' AND l.task = 'first' AND l.became IS NOT NULL AND v.value = l.became ${later} AND NOT EXISTS (SELECT 1 FROM desk_log u WHERE u.undoes = l.change) ORDER BY l.digest, l.col`
      )
    )
  })

  const ready = toDeskError(Effect.asVoid(sql`SELECT 1 AS one`))

  return Desk.of({
    settings,
    arrive,
    suggest,
    withoutSuggestion,
    item,
    declareClasses,
    classes,
    next,
    grid,
    take,
    renew,
    answer,
    confirm,
    skip,
    undo,
    putBack,
    askSecond,
    audit,
    log,
    progress: toDeskError(progressOf(sql)),
    honesty: (since) => toDeskError(honestyOf(sql, columns, since)),
    corrections,
    answersSince,
    blindAnswers,
    ready
  })
})
