import { Effect, Layer, Scope, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlConnection } from "effect/sql"
import { SqlClient, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { messageOf } from "../../pipeline/messageOf.ts"

/** A statement's parameter; SQLite has no booleans. */
const inputOf = (value: unknown): SQLInputValue =>
  // Effect's statements have numbers, text, bytes and null beside booleans; SQLite itself refuses anything else.
  typeof value === "boolean" ? Number(value) : (value as SQLInputValue)

/** SQLITE_CORRUPT. */
const damaged = 11

const open = Effect.fnUntraced(function* (file: string) {
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const database = new DatabaseSync(file)
        // WAL with a full flush: committed data survive a power cut.
        database.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        // Finds a damaged page now, not at the first statement that reads it.
        const found: unknown = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]
        if (found !== "ok") throw Object.assign(new Error(String(found)), { errcode: damaged })
        return database
      },
      catch: (cause) => failure(cause, "open")
    }),
    (database) => Effect.sync(() => database.close())
  )
  const query = (sql: string, parameters: ReadonlyArray<unknown>, asArrays: boolean) =>
    Effect.try({
      try: () => {
        const statement = database.prepare(sql)
        if (asArrays) statement.setReturnArrays(true)
        const inputs = parameters.map(inputOf)
        if (statement.columns().length > 0) return { rows: statement.all(...inputs), result: undefined }
        return { rows: [], result: statement.run(...inputs) }
      },
      catch: (cause) => failure(cause, "execute")
    })
  return { query }
})

const failure = (cause: unknown, operation: string) =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(cause, {
      message: `SQLite: ${messageOf(cause)}`,
      operation
    })
  })

const make = Effect.fnUntraced(function* (file: string) {
  const { query } = yield* open(file)
  const execute: SqlConnection.Connection["execute"] = (sql, parameters, transform) =>
    Effect.map(query(sql, parameters, false), ({ rows }) => (transform === undefined ? rows : transform(rows)))
  const executeValues: SqlConnection.Connection["executeValues"] = (sql, parameters) =>
    // A statement that is set to return arrays gives an array for each row.
    Effect.map(query(sql, parameters, true), ({ rows }) => rows as unknown as ReadonlyArray<ReadonlyArray<unknown>>)
  const connection: SqlConnection.Connection = {
    execute,
    executeUnprepared: execute,
    executeValues,
    executeValuesUnprepared: executeValues,
    executeRaw: (sql, parameters) => Effect.map(query(sql, parameters, false), ({ result, rows }) => result ?? rows),
    executeStream: (sql, parameters, transform) =>
      Stream.unwrap(Effect.map(execute(sql, parameters, transform), Stream.fromIterable))
  }
  // One connection: a transaction has it to itself.
  const semaphore = yield* Semaphore.make(1)
  return yield* SqlClient.make({
    acquirer: semaphore.withPermits(1)(Effect.succeed(connection)),
    transactionAcquirer: Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.service(Scope.Scope), (scope) =>
        restore(semaphore.take(1)).pipe(
          Effect.tap(() => Scope.addFinalizer(scope, semaphore.release(1))),
          Effect.as(connection)
        )
      )
    ),
    // Takes the right to write at once: a transaction that reads first could not have it while another process writes.
    beginTransaction: "BEGIN IMMEDIATE",
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/**
 * An SQL client over Node's own SQLite, on one file, which is created if necessary.
 *
 * Fails with an SqlError where the file cannot be opened or is damaged. Effect's package for SQLite has no release for
 * Effect 4.
 */
export const layer = (file: string): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(file)).pipe(Layer.provide(Reactivity.layer))
