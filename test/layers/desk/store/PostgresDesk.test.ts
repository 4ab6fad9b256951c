import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { inspect } from "node:util"
import { afterAll, beforeAll } from "vitest"
import { clusterUrl } from "../../../../src/layers/database/ClusterUrl.ts"
import * as Postgres from "../../../../src/layers/database/Postgres.ts"
import * as PostgresDesk from "../../../../src/layers/desk/store/PostgresDesk.ts"
import type { DeskSettings } from "../../../../src/run/serve/Desk.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { postgresPrograms, startPostgres } from "../../../postgres.ts"
import { deskContract } from "./deskContract.ts"
import { uploaded } from "./uploaded.ts"

/** A desk in a process of its own, and the first line that it prints. */
const desk = (url: string, ...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "answeringDesk.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WEFT_DATABASE: url }
  })
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  let text = ""
  let errors = ""
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk))
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    void ended.then(() => reject(new Error(`the desk ended by itself: ${errors}`)))
  })
  return { child, ended, firstLine }
}

const Leased = Schema.Struct({ digest: Schema.String, until: Schema.Int })
const decodeLeases = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Leased)))
const decodeDigests = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.String)))
// PostgreSQL gives a bigint as text.
const decodeLog = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      digest: Schema.String,
      at: Schema.Union([Schema.Int, Schema.NumberFromString]),
      who: Schema.String
    })
  )
)

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
    "two servers on one PostgreSQL: eight operators answer 10,000 items once each, those that a killed server had leased after their time",
    () =>
      Effect.gen(function* () {
        const items = 10_000
        const database = yield* newDatabase
        const begun = yield* Effect.acquireUseRelease(
          Effect.sync(() => desk(Redacted.value(database.url), "begin", String(items))),
          ({ firstLine }) => Effect.promise(() => firstLine),
          // It has no time to give anything back.
          ({ child, ended }) =>
            Effect.andThen(
              Effect.sync(() => child.kill("SIGKILL")),
              Effect.promise(() => ended)
            )
        )
        const leased = decodeLeases(begun)
        assert.strictEqual(leased.length, 50)

        const servers = yield* Effect.forEach(
          ["one, ", "two, "],
          (prefix) =>
            Effect.acquireUseRelease(
              Effect.sync(() => desk(Redacted.value(database.url), "answer", prefix)),
              ({ firstLine }) =>
                Effect.map(
                  Effect.promise(() => firstLine),
                  decodeDigests
                ),
              ({ child, ended }) =>
                Effect.andThen(
                  Effect.sync(() => child.kill()),
                  Effect.promise(() => ended)
                )
            ),
          { concurrency: 2 }
        )
        const answered = servers.flat()
        assert.strictEqual(answered.length, items)
        assert.strictEqual(new Set(answered).size, items)
        assert.isTrue(servers.every((own) => own.length > 500))

        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const log = decodeLog(yield* sql`SELECT digest, at, who FROM desk_log WHERE action = 'answer'`)
          assert.strictEqual(log.length, items)
          const byDigest = new Map(log.map((line) => [line.digest, line]))
          assert.strictEqual(byDigest.size, items)
          for (const { digest, until } of leased) assert.isAtLeast(byDigest.get(digest)?.at ?? 0, until)
          const names = new Set(log.map(({ who }) => who))
          assert.strictEqual(names.size, 8)
        }).pipe(Effect.provide(Postgres.layer(database)))
      }),
    300_000
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
