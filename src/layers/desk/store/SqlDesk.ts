/**
 * The desk on an SQL database. Each method that changes something is one transaction, with its lines of the log in it: it
 * is there wholly when the reply is sent, or not at all.
 */
import { Effect, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import type { DeskSettings } from "../../../run/serve/Desk.ts"
import { Desk } from "../../../run/serve/Desk.ts"
import { DeskError } from "../../../run/serve/DeskFaults.ts"
import { answersOf } from "./answers.ts"
import { changesOf } from "./changes.ts"
import { honestyOf, progressOf } from "./deskMetrics.ts"
import { deskTables, toDeskError } from "./deskTables.ts"
import { inboxOf } from "./inbox.ts"
import { queueOf } from "./queue.ts"
import { recordsOf } from "./records.ts"
import { createTables } from "./tables.ts"
import { undoOf } from "./undo.ts"

const TextValue = Schema.Struct({ value: Schema.String })
/** Writes the settings that all servers of a desk must share, or finds that they are other ones. */
const agreeOnSettings = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, settings: DeskSettings) {
  const mine = {
    columns: JSON.stringify(settings.columns),
    // Which columns have lists: what is kept of the others is read otherwise.
    several: JSON.stringify(settings.columns.filter((column) => Object.hasOwn(settings.separators ?? {}, column))),
    seed: String(settings.seed)
  }
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
/**
 * The desk over an SQL client. Fails with a DeskError where its tables cannot be created, or it was begun with other
 * columns.
 */
export const makeDesk = Effect.fnUntraced(function* (settings: DeskSettings) {
  const sql = yield* SqlClient.SqlClient
  yield* toDeskError(createTables)
  yield* toDeskError(agreeOnSettings(sql, settings))
  const tables = deskTables(sql, settings)
  const queue = queueOf(tables)
  const changes = changesOf(tables)
  const { next, grid, renew, take } = queue
  return Desk.of({
    settings,
    ...inboxOf(tables),
    ...answersOf(tables, changes),
    ...undoOf(tables, queue, changes),
    ...recordsOf(tables),
    next,
    grid,
    take,
    renew,
    progress: toDeskError(progressOf(sql)),
    honesty: (since) => toDeskError(honestyOf(sql, settings.columns, since)),
    ready: toDeskError(Effect.asVoid(sql`SELECT 1 AS one`))
  })
})
