import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { inspect } from "node:util"
import { afterAll, beforeAll } from "vitest"
import { clusterUrl } from "../../../../src/layers/database/ClusterUrl.ts"
import * as Postgres from "../../../../src/layers/database/Postgres.ts"
import * as PostgresDesk from "../../../../src/layers/desk/store/PostgresDesk.ts"
import type { DeskSettings } from "../../../../src/run/serve/Desk.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { postgresPrograms, startPostgres } from "../../../postgres.ts"
import { answerEverything } from "./answerEverything.ts"
import { deskContract } from "./deskContract.ts"
import { uploaded } from "./uploaded.ts"

describe.skipIf(postgresPrograms === undefined)("with a PostgreSQL of its own", () => {
  let url = ""
  let stop = () => Promise.resolve()
  let databases = 0

  beforeAll(async () => {
    const scoped = await startPostgres()
    url = scoped.url
    stop = scoped.stop
  }, 60_000)
  afterAll(() => stop())

  /** The address of a new, empty database. */
  const newDatabase = Effect.gen(function* () {
    const name = `desk${databases++}`
    const server = yield* clusterUrl(Redacted.make(url), "test")
    yield* SqlClient.SqlClient.use((sql) => sql.unsafe(`CREATE DATABASE ${name}`)).pipe(
      Effect.provide(Postgres.layer(server))
    )
    return yield* clusterUrl(Redacted.make(url.replace(/postgres$/, name)), "test")
  }).pipe(Effect.orDie)

  deskContract("a desk on PostgreSQL", (settings) =>
    Effect.map(newDatabase, (database) => PostgresDesk.layer(database, settings))
  )

  const settings = { columns: ["articleType"], ...defaultSettings } as const satisfies DeskSettings

  it.live(
    "two servers on one PostgreSQL: eight operators, and no item is answered twice",
    () =>
      Effect.gen(function* () {
        const database = yield* newDatabase
        const servers = [0, 1].map(() => Layer.fresh(PostgresDesk.layer(database, settings)))
        const answers = yield* Effect.forEach(
          servers,
          (server, n) =>
            Effect.provide(
              answerEverything({ operators: 4, prefix: `server ${n}, `, items: 2000, arriving: n === 0 }),
              server
            ),
          { concurrency: 2 }
        )
        assert.strictEqual(new Set(answers.flat()).size, 2000)
        assert.strictEqual(answers.flat().length, 2000)
        assert.isTrue(answers.every((own) => own.length > 100))
      }),
    120_000
  )

  it.effect("no line of the log is changed or removed, whoever has the database", () =>
    Effect.gen(function* () {
      const database = yield* newDatabase
      yield* Effect.gen(function* () {
        const desk = yield* Desk
        yield* desk.arrive([uploaded(1)])
        const [task] = yield* desk.next({ operator: "ann", order: "newest", count: 1 })
        yield* desk.answer("ann", { ...task!, values: [{ column: "articleType", value: "Jeans" }], seconds: null })
      }).pipe(Effect.provide(PostgresDesk.layer(database, settings)))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        for (const statement of ["UPDATE desk_log SET who = 'bea'", "DELETE FROM desk_log", "TRUNCATE desk_log"]) {
          const error = yield* Effect.flip(sql.unsafe(statement))
          assert.include(inspect(error), "the log is append-only")
        }
      }).pipe(Effect.provide(Postgres.layer(database)))
    })
  )
})
