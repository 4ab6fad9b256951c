import { Clock, Effect, Ref, Schema } from "effect"
import type { PersistedQueue } from "effect/persistence"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import { report } from "../../pipeline/Progress.ts"
import type { ShardNews, ShardPredictor } from "../../run/predict/Shards.ts"
import { takeUncounted } from "../cluster/jobQueue.ts"
import type { Job } from "../cluster/Worker.ts"
import { Unfit } from "../cluster/Worker.ts"
import * as ClusterPredictions from "./ClusterPredictions.ts"

/** Over how many deaths of workers a shard is given up: a file of it may end every process that reads it. */
const mostDeaths = 3

/** The queue of a prediction's shards cannot be read or saved. */
class ShardQueueError extends Schema.TaggedError<ShardQueueError>()("ShardQueueError", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return this.detail
  }
}

const note = (line: string) => report({ _tag: "Note", line })

/** Sends progress to those who wait; of the files that are done at most once a second. Failures to send are ignored. */
const teller = Effect.fnUntraced(function* (key: string) {
  const sql = yield* SqlClient.SqlClient
  const last = yield* Ref.make(0)
  return Effect.fnUntraced(function* (news: ShardNews) {
    const now = yield* Clock.currentTimeMillis
    if (news._tag === "Working" && now - (yield* Ref.get(last)) < 1000) return
    yield* Ref.set(last, now)
    yield* ClusterPredictions.tell(key, news).pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.ignore)
  })
})

/**
 * The predictions that are not finished, as a worker's jobs. `prepare` opens a prediction's folder on this machine;
 * `worker` names this process.
 */
export const predictionJobs = <
  Lacking extends { readonly message: string },
  E extends { readonly message: string },
  R,
  PrepareR
>(
  prepare: (folder: string) => Effect.Effect<ShardPredictor<E, R>, Lacking, PrepareR>,
  worker: string
) =>
  Effect.map(ClusterPredictions.open, (predictions) =>
    predictions.map(
      (
        prediction
      ): Job<
        E | ShardQueueError | SqlError.SqlError,
        R | PrepareR | SqlClient.SqlClient | PersistedQueue.PersistedQueueFactory
      > => ({
        what: "prediction",
        pieces: "shards",
        ...prediction,
        prepare: Effect.fnUntraced(function* (folder) {
          const { key, name } = prediction
          const tell = yield* teller(key)
          const opened = yield* prepare(folder)
          const computes = yield* ClusterPredictions.agreeOnEngine(key, opened.computes)
          if (computes !== opened.computes)
            return yield* new Unfit({
              detail: `it is computed by ${computes}, and here it would be ${opened.computes}: name an --engine that every machine has when it is begun, in another folder`
            })
          const queue = yield* ClusterPredictions.shardQueue(key)
          return Effect.fnUntraced(function* (taken) {
            const take = takeUncounted(
              queue,
              Effect.fnUntraced(function* ({ shard }, attempt) {
                yield* taken
                const which = `shard ${shard + 1} of ${opened.shards}`
                if (attempt > mostDeaths) {
                  const detail = `${mostDeaths} workers died over it`
                  yield* note(`prediction ${name}: ${which} is given up: ${detail}`)
                  return yield* ClusterPredictions.tell(key, { _tag: "GivenUp", shard, detail })
                }
                yield* note(`prediction ${name}: ${which}`)
                yield* tell({ _tag: "Working", worker, shard, done: 0 })
                const end = yield* opened.predict(shard, (done) => tell({ _tag: "Working", worker, shard, done }))
                // Whoever waits must hear of it: the file is there.
                yield* ClusterPredictions.tell(key, { _tag: "Finished", worker, shard, end })
                const refused = end.refused === 0 ? "" : `, ${end.refused} could not be read`
                yield* note(`prediction ${name}: ${which} is done: ${end.read} predicted${refused}`)
              }),
              (cause) => new ShardQueueError({ detail: cause.message, cause })
            )
            yield* Effect.tapError(take, ({ message }) => tell({ _tag: "Note", line: `${worker}: ${message}` }))
            yield* ClusterPredictions.finishIfDone(key)
          })
        })
      })
    )
  )
