import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeSqlite from "../../../src/layers/database/NodeSqlite.ts"
import { namingSearchFile } from "../../../src/layers/search/SearchFileError.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** Writes 500 rows, or reads them where they are there; what goes wrong below is a defect, as in an engine of workflows. */
const use = (file: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE IF NOT EXISTS work (name TEXT, what TEXT)`
    const rows = yield* sql`SELECT name, what FROM work`
    if (rows.length > 0) return rows.length
    for (let i = 0; i < 500; i++) yield* sql`INSERT INTO work ${sql.insert({ name: `${i}`, what: "x".repeat(200) })}`
    return 500
  }).pipe(Effect.orDie, Effect.provide(NodeSqlite.layer(file)), namingSearchFile(file))

describe("a search's file that cannot be used", () => {
  it.effect("is named with what is wrong and the way out", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const good = join(folder, "good.sqlite")
      assert.strictEqual(yield* use(good), 500)
      assert.strictEqual(yield* use(good), 500)
      const bytes = readFileSync(good)
      const damage: Readonly<Record<string, readonly [(file: string) => void, RegExp]>> = {
        garbage: [(file) => writeFileSync(file, "this is no database at all"), /is no SQLite database/],
        page: [(file) => writeFileSync(file, "<!doctype html>".repeat(1000)), /is no SQLite database/],
        cut: [(file) => truncateSync(file, bytes.length - 5000), /is damaged/],
        short: [(file) => truncateSync(file, 3000), /is damaged/],
        scrambled: [
          (file) =>
            writeFileSync(
              file,
              bytes.map((byte, i) => (i >= 8192 && i < 20_000 ? (i * 31) % 256 : byte))
            ),
          /is damaged/
        ]
      }
      for (const [name, [spoil, message]] of Object.entries(damage)) {
        const file = join(folder, `${name}.sqlite`)
        writeFileSync(file, bytes)
        spoil(file)
        const error = yield* Effect.flip(use(file))
        assert.isTrue(error.message.startsWith(`${file}: it `), error.message)
        assert.match(error.message, message)
        assert.match(error.message, /Remove it, .* and resume the search: its trials' results are in trials\//)
      }
      mkdirSync(join(folder, "folder.sqlite"))
      assert.match(
        (yield* Effect.flip(use(join(folder, "folder.sqlite")))).message,
        /it cannot be opened\. Expected a file/
      )
    })
  )

  it.effect("is one of another program or version too, however deep that shows", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "other.sqlite")
      yield* SqlClient.SqlClient.use((sql) => sql`CREATE TABLE work (x INTEGER)`).pipe(
        Effect.provide(NodeSqlite.layer(file))
      )
      const error = yield* Effect.flip(use(file))
      assert.match(
        error.message,
        /it is not a search's file, or one of another version \(no such column: name\)\. Remove it/
      )
    })
  )

  it.effect("is not blamed for what others did", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Effect.fail("mine").pipe(namingSearchFile("x"))), "mine")
    })
  )
})
