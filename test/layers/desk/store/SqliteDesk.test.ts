import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { join } from "node:path"
import * as NodeSqlite from "../../../../src/layers/database/NodeSqlite.ts"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"
import { deskContract, uploaded } from "./deskContract.ts"

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
