import { Effect, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import { createTables } from "../../cluster/createTables.ts"
import { createNews, newsOf } from "../../cluster/news.ts"
import { SearchNews } from "../../../run/search/SearchNews.ts"

/** A search that was submitted. */
export const Submitted = Schema.Struct({
  key: Schema.String,
  name: Schema.String,
  /** The search's folder, as the submitting machine sees it. */
  folder: Schema.String,
  /** Weft's version: another one may read the configuration differently. */
  version: Schema.String,
  /** The SearchConfig, as JSON. */
  config: Schema.String
})
export type Submitted = typeof Submitted.Type

/** A submitted search, and when that was, in seconds. */
const Open = Schema.Struct({ ...Submitted.fields, at: Schema.Finite })

/** The tables that searches on a cluster need beside those of the workflow's engine. */
export const tables = createTables((sql) =>
  Effect.andThen(
    sql`CREATE TABLE IF NOT EXISTS weft_searches (key TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL, data TEXT, finished BOOLEAN NOT NULL DEFAULT FALSE, submitted TIMESTAMPTZ NOT NULL DEFAULT now())`,
    createNews(sql)
  )
)

/** Submits a search to the workers; one that was submitted before stays as it is. */
export const submit = Effect.fn("ClusterSearches.submit")(function* (search: Submitted) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO weft_searches ${sql.insert(search)} ON CONFLICT (key) DO NOTHING`
})

/** The searches that are not finished. */
export const open = SqlClient.SqlClient.use((sql) =>
  SqlSchema.findAll({
    Request: Schema.Void,
    Result: Open,
    execute: () =>
      sql`SELECT key, name, folder, version, config, EXTRACT(EPOCH FROM submitted)::FLOAT8 AS at FROM weft_searches WHERE NOT finished`
  })(undefined)
)

/** Marks a search as finished. */
export const finish = Effect.fn("ClusterSearches.finish")(function* (key: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE weft_searches SET finished = TRUE WHERE key = ${key}`
})

/** The digest of a search's data: the one that its first worker found. */
export const agreeOnData = Effect.fn("ClusterSearches.agreeOnData")(function* (key: string, digest: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE weft_searches SET data = ${digest} WHERE key = ${key} AND data IS NULL`
  const [row] = yield* sql<{ readonly data: string }>`SELECT data FROM weft_searches WHERE key = ${key}`
  return row?.data ?? digest
})

/** The slot of news: later news replace those in the same slot. Epochs, notes and ends have a slot each, and stay. */
const slotOf = (news: SearchNews): string => {
  if (news._tag === "Ended") return `end ${news.rung} ${news.end.trials.map(({ id }) => id).join(" ")}`
  const { event, trials } = news
  if (event._tag === "Epoch") return `epoch ${event.trial ?? trials.join(" ")} ${event.record.epoch}`
  if (event._tag === "Note") return `note ${event.trial ?? ""} ${event.line}`
  return `now ${trials.join(" ")}`
}

export const { since: newsSince, tell } = newsOf(SearchNews, slotOf)
