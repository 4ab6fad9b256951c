import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { join } from "node:path"
import * as NodeSqlite from "../../../src/layers/database/NodeSqlite.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const table = (sql: SqlClient.SqlClient) => sql`CREATE TABLE trials (id TEXT PRIMARY KEY, epochs INTEGER, done BOOLEAN)`
const insert = (sql: SqlClient.SqlClient, id: string, epochs: number, done: boolean) =>
  sql`INSERT INTO trials ${sql.insert({ id, epochs, done })}`

it.effect("keeps what was committed, for the next process that opens the file", () =>
  Effect.gen(function* () {
    const file = join(yield* temporaryFolder, "search.sqlite")
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* table(sql)
      yield* insert(sql, "a", 3, true)
      yield* insert(sql, "b", 5, false)
    }).pipe(Effect.provide(NodeSqlite.layer(file)))
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT * FROM trials ORDER BY id`
      assert.deepStrictEqual(
        rows.map((row) => ({ ...row })),
        [
          { id: "a", epochs: 3, done: 1 },
          { id: "b", epochs: 5, done: 0 }
        ]
      )
      assert.deepStrictEqual(yield* sql`SELECT epochs, id FROM trials WHERE done = ${false}`.values, [[5, "b"]])
      const streamed = yield* Stream.runCollect(sql`SELECT id FROM trials ORDER BY id DESC`.stream)
      assert.deepStrictEqual(
        streamed.map(({ id }) => id),
        ["b", "a"]
      )
    }).pipe(Effect.provide(NodeSqlite.layer(file)))
  })
)

it.effect("a transaction that fails leaves nothing, and what runs beside it waits for its end", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* table(sql)
    const failing = sql.withTransaction(
      Effect.gen(function* () {
        yield* insert(sql, "lost", 1, true)
        yield* Effect.yieldNow
        return yield* Effect.fail("changed its mind")
      })
    )
    const others = Effect.forEach(["x", "y", "z"], (id) => sql.withTransaction(insert(sql, id, 2, false)), {
      concurrency: "unbounded"
    })
    const [failed] = yield* Effect.all([Effect.flip(failing), others], { concurrency: "unbounded" })
    assert.strictEqual(failed, "changed its mind")
    assert.deepStrictEqual(yield* sql`SELECT id FROM trials ORDER BY id`.values, [["x"], ["y"], ["z"]])
  }).pipe(Effect.provide(NodeSqlite.layer(":memory:")))
)

it.effect("says what SQLite says, of a statement and of a file that cannot be opened", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const wrong = yield* Effect.flip(
      SqlClient.SqlClient.use((sql) => sql`SELECT * FROM absent`).pipe(
        Effect.provide(NodeSqlite.layer(join(folder, "search.sqlite")))
      )
    )
    assert.include(wrong.message, "no such table: absent")
    const closed = yield* Effect.flip(
      SqlClient.SqlClient.pipe(Effect.provide(NodeSqlite.layer(join(folder, "nowhere", "search.sqlite"))))
    )
    assert.include(closed.message, "unable to open database file")
  })
)
