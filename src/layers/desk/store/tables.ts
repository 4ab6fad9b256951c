/**
 * The desk's tables, the same in SQLite and PostgreSQL.
 *
 * Times and probabilities are double-precision numbers (milliseconds have room to spare in one), flags are 0 and 1, and
 * numbers that count up are 32-bit: both databases give them as JavaScript's numbers. The log is append-only: triggers
 * refuse to change or remove a line.
 *
 * Values are texts as `textOf` makes them, so that the databases compare them: a class's name, and in a column with
 * several values a list in JSON.
 */
import { Effect, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { createHash } from "node:crypto"
import { Part } from "../../../pipeline/Part.ts"
import type { Order } from "../../../run/serve/Task.ts"
import { Ranked } from "../../../run/serve/ColumnValue.ts"
import { CatalogueRow, Item, ItemState, OpinionState } from "../../../run/serve/Item.ts"
import { Lease } from "../../../run/serve/Task.ts"

const Flag = Schema.Literals([0, 1])

/** A row of `desk_items`. */
export const ItemRow = Schema.Struct({
  digest: Schema.String,
  name: Schema.String,
  origin: Item.fields.origin,
  came: Schema.Finite,
  part: Schema.NullOr(Part),
  state: ItemState,
  opinion: OpinionState,
  blind: Flag,
  version: Schema.Int,
  /** The change that made what holds now; null: none. An undo points back to the one before. */
  change: Schema.NullOr(Schema.Int),
  answered_by: Schema.NullOr(Schema.String),
  answered_at: Schema.NullOr(Schema.Finite),
  /** Whose the answer was when a second opinion was given. */
  first_by: Schema.NullOr(Schema.String),
  second_by: Schema.NullOr(Schema.String),
  second_at: Schema.NullOr(Schema.Finite),
  lease_by: Schema.NullOr(Schema.String),
  lease_until: Schema.NullOr(Schema.Finite),
  lease_task: Schema.NullOr(Lease.fields.task),
  /** What it was leased for: an order, a grid, `take` or `undo`. */
  lease_for: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String)
})
export type ItemRow = typeof ItemRow.Type

/** A row of `desk_values`: one column of one item. */
export const ValueRow = Schema.Struct({
  digest: Schema.String,
  /** Its place among the desk's columns, from 0. */
  nth: Schema.Int,
  col: Schema.String,
  /** What the catalogue has, and the other label where its rows contradict each other. */
  source: Schema.NullOr(Schema.String),
  conflict: Schema.NullOr(Schema.String),
  value: Schema.NullOr(Schema.String),
  skipped: Flag,
  /** The value when the second opinion was given, and the second opinion. */
  first: Schema.NullOr(Schema.String),
  second: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String),
  run: Schema.NullOr(Schema.String),
  top: Schema.NullOr(Schema.fromJsonString(Schema.NonEmptyArray(Ranked)))
})
export type ValueRow = typeof ValueRow.Type

/** A row of `desk_rows`: a row of the catalogue with the item's image. */
export const RowRow = Schema.Struct({
  digest: Schema.String,
  row_id: Schema.String,
  cells: Schema.fromJsonString(CatalogueRow.fields.values)
})
export type RowRow = typeof RowRow.Type

/** The indexed column that has an item's place in an order. */
export const placeColumn: Readonly<Record<Order, string>> = {
  newest: "place_newest",
  leastMargin: "place_margin",
  surest: "place_surest",
  disagreement: "place_disagreement",
  audit: "place_audit"
}

const places = Object.values(placeColumn)

/** Of both databases; `serial` is the type of a number that counts up. */
const statements = (serial: string): ReadonlyArray<string> => [
  "CREATE TABLE IF NOT EXISTS desk_settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
  `CREATE TABLE IF NOT EXISTS desk_items (
     digest TEXT PRIMARY KEY, name TEXT NOT NULL, origin TEXT NOT NULL, came DOUBLE PRECISION NOT NULL, part TEXT,
     state TEXT NOT NULL, opinion TEXT NOT NULL, blind INTEGER NOT NULL, version INTEGER NOT NULL, change INTEGER,
     answered_by TEXT, answered_at DOUBLE PRECISION, first_by TEXT, second_by TEXT, second_at DOUBLE PRECISION,
     lease_by TEXT, lease_until DOUBLE PRECISION, lease_task TEXT, lease_for TEXT, model TEXT,
     ${places.map((place) => `${place} DOUBLE PRECISION NOT NULL`).join(", ")})`,
  `CREATE TABLE IF NOT EXISTS desk_values (
     digest TEXT NOT NULL REFERENCES desk_items (digest), nth INTEGER NOT NULL, col TEXT NOT NULL, source TEXT,
     conflict TEXT, value TEXT, skipped INTEGER NOT NULL, first TEXT, second TEXT, model TEXT, run TEXT, top TEXT,
     label TEXT, probability DOUBLE PRECISION, PRIMARY KEY (digest, nth))`,
  `CREATE TABLE IF NOT EXISTS desk_rows (
     digest TEXT NOT NULL REFERENCES desk_items (digest), row_id TEXT NOT NULL, cells TEXT NOT NULL,
     PRIMARY KEY (digest, row_id))`,
  // One key that was pressed: its change of one item, or of many.
  // Of changes: `passed` is 1 where an item was only let go, which changed nothing of it; 2 where that was taken back.
  `CREATE TABLE IF NOT EXISTS desk_strokes (id ${serial} PRIMARY KEY, who TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS desk_changes (
     id ${serial} PRIMARY KEY, stroke INTEGER NOT NULL, who TEXT NOT NULL, digest TEXT NOT NULL, action TEXT NOT NULL,
     before TEXT NOT NULL, version INTEGER NOT NULL, passed INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS desk_log (
     entry ${serial} PRIMARY KEY, stroke INTEGER NOT NULL, change INTEGER, at DOUBLE PRECISION NOT NULL, who TEXT NOT NULL,
     action TEXT NOT NULL, task TEXT, digest TEXT NOT NULL, col TEXT NOT NULL, was TEXT, became TEXT,
     version INTEGER NOT NULL, model TEXT, run TEXT, suggested TEXT, probability DOUBLE PRECISION,
     seconds DOUBLE PRECISION, blind INTEGER NOT NULL, undoes INTEGER)`,
  // Whom an item is not offered to before all others (`never` = 0), or never (1).
  `CREATE TABLE IF NOT EXISTS desk_passed (
     digest TEXT NOT NULL, who TEXT NOT NULL, never INTEGER NOT NULL, PRIMARY KEY (digest, who))`,
  `CREATE TABLE IF NOT EXISTS desk_classes (
     col TEXT NOT NULL, label TEXT NOT NULL, trained INTEGER NOT NULL, PRIMARY KEY (col, label))`,
  `CREATE TABLE IF NOT EXISTS desk_models (
     id ${serial} PRIMARY KEY, model TEXT NOT NULL UNIQUE, run TEXT NOT NULL, state TEXT NOT NULL,
     offered DOUBLE PRECISION NOT NULL, answers INTEGER NOT NULL, promoted DOUBLE PRECISION, promoter TEXT, verdict TEXT)`,
  "CREATE INDEX IF NOT EXISTS desk_open_newest ON desk_items (place_newest, digest) WHERE state = 'open'",
  "CREATE INDEX IF NOT EXISTS desk_open_margin ON desk_items (place_margin, digest) WHERE state = 'open'",
  "CREATE INDEX IF NOT EXISTS desk_open_surest ON desk_items (place_surest, digest) WHERE state = 'open'",
  "CREATE INDEX IF NOT EXISTS desk_doubted ON desk_items (place_disagreement, digest)",
  "CREATE INDEX IF NOT EXISTS desk_audited ON desk_items (place_audit, digest)",
  "CREATE INDEX IF NOT EXISTS desk_wanted ON desk_items (came, digest) WHERE opinion = 'wanted'",
  "CREATE INDEX IF NOT EXISTS desk_leased ON desk_items (lease_by) WHERE lease_by IS NOT NULL",
  "CREATE INDEX IF NOT EXISTS desk_states ON desk_items (state, opinion)",
  "CREATE INDEX IF NOT EXISTS desk_changed ON desk_items (change) WHERE change IS NOT NULL",
  "CREATE INDEX IF NOT EXISTS desk_suggested ON desk_values (col, label, probability)",
  "CREATE INDEX IF NOT EXISTS desk_changes_by ON desk_changes (who, stroke, id)",
  "CREATE INDEX IF NOT EXISTS desk_log_of ON desk_log (digest, entry)",
  "CREATE INDEX IF NOT EXISTS desk_log_undone ON desk_log (undoes) WHERE undoes IS NOT NULL"
]

const appendOnly = {
  sqlite: ["UPDATE", "DELETE"].map(
    (act) =>
      `CREATE TRIGGER IF NOT EXISTS desk_log_keeps_${act} BEFORE ${act} ON desk_log
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END`
  ),
  postgres: [
    `CREATE OR REPLACE FUNCTION desk_log_keeps() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$`,
    "DROP TRIGGER IF EXISTS desk_log_keeps ON desk_log",
    `CREATE TRIGGER desk_log_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON desk_log
     FOR EACH STATEMENT EXECUTE FUNCTION desk_log_keeps()`
  ]
}

const postgresStatements = [...statements("SERIAL"), ...appendOnly.postgres]

/** What the tables were made by: another version of Weft may have other statements. */
const madeBy = createHash("sha256").update(postgresStatements.join(";")).digest("hex")

/**
 * PostgreSQL's statements lock a table even where there is nothing to do. A server that starts would wait for the answers
 * of another one that is at work, which waits for it in turn: so nothing is done where these statements made the tables.
 */
const createInPostgres = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  // Two servers that create a table at the same time can fail, so that a lock puts one after the other.
  yield* sql`SELECT pg_advisory_xact_lock(5734022)`
  const there = yield* sql`SELECT 1 AS one WHERE to_regclass('desk_settings') IS NOT NULL`
  if (there.length > 0) {
    const same = yield* sql`SELECT 1 AS one FROM desk_settings WHERE key = 'tables' AND value = ${madeBy}`
    if (same.length > 0) return
  }
  for (const statement of postgresStatements) yield* sql.unsafe(statement)
  yield* sql`INSERT INTO desk_settings ${sql.insert({ key: "tables", value: madeBy })} ON CONFLICT (key) DO UPDATE SET value = excluded.value`
})

/** PostgreSQL stopped one of two transactions that waited for each other; it can be begun again. */
export const isStopped = (error: unknown): boolean =>
  SqlError.isSqlError(error) && (error.reason._tag === "DeadlockError" || error.reason._tag === "SerializationError")

/** Creates what is not there yet. */
export const createTables = SqlClient.SqlClient.use((sql) =>
  sql
    .withTransaction(
      sql.onDialectOrElse({
        pg: () => createInPostgres(sql),
        orElse: () =>
          Effect.gen(function* () {
            for (const statement of [...statements("INTEGER"), ...appendOnly.sqlite]) yield* sql.unsafe(statement)
          })
      })
    )
    .pipe(Effect.retry({ times: 5, while: isStopped }))
)
