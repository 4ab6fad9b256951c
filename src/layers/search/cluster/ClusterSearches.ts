import { Effect, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
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

const Heard = Schema.Struct({ id: Schema.Int, news: Schema.fromJsonString(Schema.toCodecJson(SearchNews)) })

/** The tables that searches on a cluster need beside those of the workflow's engine. */
export const createTables = SqlClient.SqlClient.use((sql) =>
  // Two processes that create a table at the same time can fail, so that a lock puts one after the other.
  sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT pg_advisory_xact_lock(5734021)`
      yield* sql`CREATE TABLE IF NOT EXISTS weft_searches (key TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL, data TEXT, finished BOOLEAN NOT NULL DEFAULT FALSE, submitted TIMESTAMPTZ NOT NULL DEFAULT now())`
      yield* sql`CREATE TABLE IF NOT EXISTS weft_news (search TEXT NOT NULL, slot TEXT NOT NULL, id BIGSERIAL, news TEXT NOT NULL, PRIMARY KEY (search, slot))`
    })
  )
)

/** Submits a search to the workers; one that was submitted before stays as it is. */
export const submit = Effect.fn("ClusterSearches.submit")(function* (search: Submitted) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO weft_searches ${sql.insert(search)} ON CONFLICT (key) DO NOTHING`
})

/** The searches that are not finished, the oldest first. */
export const open = SqlClient.SqlClient.use((sql) =>
  SqlSchema.findAll({
    Request: Schema.Void,
    Result: Submitted,
    execute: () =>
      sql`SELECT key, name, folder, version, config FROM weft_searches WHERE NOT finished ORDER BY submitted, key`
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

/** Sends news to those who watch a search. */
export const tell = Effect.fn("ClusterSearches.tell")(function* (search: string, news: SearchNews) {
  const sql = yield* SqlClient.SqlClient
  const text = yield* Effect.orDie(Schema.encodeEffect(Heard.fields.news)(news))
  const row = { search, slot: slotOf(news), news: text }
  yield* sql`INSERT INTO weft_news ${sql.insert(row)} ON CONFLICT (search, slot) DO UPDATE SET news = excluded.news, id = nextval('weft_news_id_seq')`
})

/** The news after `id`, in their order. */
export const newsSince = Effect.fn("ClusterSearches.newsSince")(function* (search: string, id: number) {
  const sql = yield* SqlClient.SqlClient
  return yield* SqlSchema.findAll({
    Request: Schema.Void,
    Result: Heard,
    execute: () => sql`SELECT id::INT AS id, news FROM weft_news WHERE search = ${search} AND id > ${id} ORDER BY id`
  })(undefined)
})
