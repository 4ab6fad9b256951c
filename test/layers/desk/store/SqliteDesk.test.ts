import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import * as NodeSqlite from "../../../../src/layers/database/NodeSqlite.ts"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"
import { answerEverything } from "./answerEverything.ts"
import { deskContract } from "./deskContract.ts"
import { uploaded } from "./uploaded.ts"

deskContract("a desk on SQLite", (settings) =>
  Effect.map(temporaryFolder, (folder) => SqliteDesk.layer(join(folder, "desk.sqlite"), settings))
)

const settings = { columns: ["articleType"], ...defaultSettings } as const

it.effect("no line of the log is changed or removed, whoever has the file", () =>
  Effect.gen(function* () {
    const file = join(yield* temporaryFolder, "desk.sqlite")
    yield* Effect.gen(function* () {
      const desk = yield* Desk
      yield* desk.arrive([uploaded(1)])
      const [task] = yield* desk.next({ operator: "ann", order: "newest", count: 1 })
      yield* desk.answer("ann", { ...task!, values: [{ column: "articleType", value: "Jeans" }], seconds: null })
    }).pipe(Effect.provide(SqliteDesk.layer(file, settings)))
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const statement of ["UPDATE desk_log SET who = 'bea'", "DELETE FROM desk_log"]) {
        const error = yield* Effect.flip(sql.unsafe(statement))
        assert.include(error.message, "append-only")
      }
    }).pipe(Effect.provide(NodeSqlite.layer(file)))
  })
)

it.effect("a desk with other columns, and a file that cannot be opened, are refused with what is wrong", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const file = join(folder, "desk.sqlite")
    yield* Effect.provide(Effect.asVoid(Desk), SqliteDesk.layer(file, settings))
    const other = yield* Effect.flip(
      Effect.provide(Effect.asVoid(Desk), SqliteDesk.layer(file, { ...settings, columns: ["season"] }))
    )
    assert.include(other.message, '["articleType"]')
    const nowhere = yield* Effect.flip(
      Effect.provide(Effect.asVoid(Desk), SqliteDesk.layer(join(folder, "no", "desk.sqlite"), settings))
    )
    assert.include(nowhere.message, "desk.sqlite cannot be opened")
  })
)

/** A folder in memory where the machine has one: what a disk does at a power cut is not asked here, and costs a minute. */
const memoryFolder = existsSync("/dev/shm")
  ? Effect.acquireRelease(
      Effect.promise(() => mkdtemp("/dev/shm/weft-test-")),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
  : temporaryFolder

it.live(
  "eight operators answer 10,000 items, and none is answered twice",
  () =>
    Effect.gen(function* () {
      const file = join(yield* memoryFolder, "desk.sqlite")
      yield* Effect.gen(function* () {
        const answers = yield* answerEverything({ operators: 8, prefix: "", items: 10_000, arriving: true })
        assert.strictEqual(answers.length, 10_000)
        assert.strictEqual(new Set(answers).size, 10_000)
        const desk = yield* Desk
        const { answered, leased, open, operators } = yield* desk.progress
        assert.deepStrictEqual([answered, open, leased], [10_000, 0, 0])
        assert.strictEqual(
          operators.reduce((sum, { answers }) => sum + answers, 0),
          10_000
        )
        assert.strictEqual(operators.length, 8)
      }).pipe(Effect.provide(SqliteDesk.layer(file, settings)))
    }),
  300_000
)
