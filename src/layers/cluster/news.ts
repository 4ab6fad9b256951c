import { Effect, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"

/** The table of the news of all jobs. */
export const createNews = (sql: SqlClient.SqlClient) =>
  sql`CREATE TABLE IF NOT EXISTS weft_news (search TEXT NOT NULL, slot TEXT NOT NULL, id BIGSERIAL, news TEXT NOT NULL, PRIMARY KEY (search, slot))`

/**
 * The news of one kind of job, from its workers to its watchers, by the job's key. Later news replace those in the same
 * slot.
 */
export const newsOf = <S extends Schema.Codec<unknown, unknown>>(schema: S, slotOf: (news: S["Type"]) => string) => {
  const Heard = Schema.Struct({ id: Schema.Int, news: Schema.fromJsonString(Schema.toCodecJson(schema)) })
  return {
    /** Sends news to those who watch a job. */
    tell: Effect.fn("news.tell")(function* (key: string, news: S["Type"]) {
      const sql = yield* SqlClient.SqlClient
      const text = yield* Effect.orDie(Schema.encodeEffect(Heard.fields.news)(news))
      const row = { search: key, slot: slotOf(news), news: text }
      yield* sql`INSERT INTO weft_news ${sql.insert(row)} ON CONFLICT (search, slot) DO UPDATE SET news = excluded.news, id = nextval('weft_news_id_seq')`
    }),
    /** The news after `id`, in their order. */
    since: Effect.fn("news.since")(function* (key: string, id: number) {
      const sql = yield* SqlClient.SqlClient
      return yield* SqlSchema.findAll({
        Request: Schema.Void,
        Result: Heard,
        execute: () => sql`SELECT id::INT AS id, news FROM weft_news WHERE search = ${key} AND id > ${id} ORDER BY id`
      })(undefined)
    })
  }
}
