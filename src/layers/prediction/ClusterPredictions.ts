import { Effect, Layer, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { SqlClient, SqlSchema } from "effect/sql"
import { ShardNews } from "../../run/predict/Shards.ts"
import { createTables } from "../cluster/createTables.ts"
import * as jobQueue from "../cluster/jobQueue.ts"
import { createNews, newsOf } from "../cluster/news.ts"
import type { ClusterUrl } from "../database/ClusterUrl.ts"
import * as Postgres from "../database/Postgres.ts"

/** A prediction that was submitted. Its list, models and settings are in its folder. */
export const Submitted = Schema.Struct({
  key: Schema.String,
  name: Schema.String,
  /** The prediction's folder, as the submitting machine sees it. */
  folder: Schema.String,
  version: Schema.String
})
export type Submitted = typeof Submitted.Type

/** The same, and when it was submitted, in seconds. */
const Open = Schema.Struct({ ...Submitted.fields, at: Schema.Finite })

/** The table that predictions on a cluster need beside the queue's. */
export const tables = Layer.effectDiscard(
  createTables((sql) =>
    Effect.andThen(
      sql`CREATE TABLE IF NOT EXISTS weft_predictions (key TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, version TEXT NOT NULL, computes TEXT, finished BOOLEAN NOT NULL DEFAULT FALSE, submitted TIMESTAMPTZ NOT NULL DEFAULT now())`,
      createNews(sql)
    )
  )
)

/** Submits predictions to a cluster, and watches them. */
export const clientLayer = (cluster: ClusterUrl) =>
  Layer.mergeAll(jobQueue.layer(jobQueue.defaultExpiry), tables).pipe(Layer.provideMerge(Postgres.layer(cluster)))

/** The queue's name of a prediction's shards. */
const queueName = (key: string) => `weft/prediction/${key}`

const idOf = (shard: number) => `shard-${shard}`

export const shardQueue = (key: string) =>
  PersistedQueue.make({
    name: queueName(key),
    schema: Schema.Struct({ shard: Schema.Natural }),
    maxAttempts: jobQueue.unlimited
  })

/** The news of a worker's shards are replaced by later ones; a shard's end stays. */
const slotOf = (news: ShardNews): string => {
  switch (news._tag) {
    case "Working":
      return `now ${news.worker}`
    case "Note":
      return `note ${news.line}`
    default:
      return `end ${news.shard}`
  }
}

export const { since: newsSince, tell } = newsOf(ShardNews, slotOf)

/**
 * Puts the shards that are `left` into the prediction's queue, each once, and opens the prediction to the workers.
 *
 * `isThere` says whether a shard's file is there: one that a worker has finished and that is gone since is queued again,
 * as is one that was given up. `computes`: what computed the shards that are finished; undefined where there are none.
 */
export const submit = Effect.fn("ClusterPredictions.submit")(function* <E, R>(
  prediction: Submitted,
  left: ReadonlyArray<number>,
  isThere: (shard: number) => Effect.Effect<boolean, E, R>,
  computes: string | undefined
) {
  const sql = yield* SqlClient.SqlClient
  const { key } = prediction
  const ended = yield* SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ id: Schema.String }),
    execute: () =>
      sql`SELECT id FROM ${sql(jobQueue.queueTable)} WHERE queue_name = ${queueName(key)} AND state <> 'pending'`
  })(undefined)
  const ids = new Set(ended.map(({ id }) => id))
  for (const shard of left.filter((shard) => ids.has(idOf(shard)))) {
    if (yield* isThere(shard)) continue
    yield* sql`DELETE FROM weft_news WHERE search = ${key} AND slot = ${`end ${shard}`}`
    yield* sql`DELETE FROM ${sql(jobQueue.queueTable)} WHERE queue_name = ${queueName(key)} AND id = ${idOf(shard)}`
  }
  const queue = yield* shardQueue(key)
  yield* Effect.forEach(left, (shard) => queue.offer({ shard }, { id: idOf(shard) }), {
    concurrency: 8,
    discard: true
  })
  // Only now: a worker that finds the queue empty takes the prediction for finished.
  const row = { ...prediction, computes: computes ?? null }
  yield* sql`INSERT INTO weft_predictions ${sql.insert(row)} ON CONFLICT (key) DO UPDATE SET finished = FALSE, folder = excluded.folder, name = excluded.name, computes = COALESCE(excluded.computes, weft_predictions.computes)`
})

/** The predictions that are not finished. */
export const open = SqlClient.SqlClient.use((sql) =>
  SqlSchema.findAll({
    Request: Schema.Void,
    Result: Open,
    execute: () =>
      sql`SELECT key, name, folder, version, EXTRACT(EPOCH FROM submitted)::FLOAT8 AS at FROM weft_predictions WHERE NOT finished`
  })(undefined)
)

/** Marks a prediction as finished where no shard of it is left, so that workers give back its memory. */
export const finishIfDone = Effect.fn("ClusterPredictions.finishIfDone")(function* (key: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE weft_predictions SET finished = TRUE WHERE key = ${key} AND NOT EXISTS (SELECT 1 FROM ${sql(jobQueue.queueTable)} WHERE queue_name = ${queueName(key)} AND state = 'pending')`
})

/** What computes a prediction: as on its first worker. */
export const agreeOnEngine = Effect.fn("ClusterPredictions.agreeOnEngine")(function* (key: string, computes: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE weft_predictions SET computes = ${computes} WHERE key = ${key} AND computes IS NULL`
  const [row] = yield* sql<{ readonly computes: string }>`SELECT computes FROM weft_predictions WHERE key = ${key}`
  return row?.computes ?? computes
})
