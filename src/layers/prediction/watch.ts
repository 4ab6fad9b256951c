import { Clock, Effect, Schedule, Schema } from "effect"
import { report } from "../../pipeline/Progress.ts"
import type { ShardNews } from "../../run/predict/Shards.ts"
import * as ClusterPredictions from "./ClusterPredictions.ts"

/** A shard over which the workers die, so that the prediction has no end. */
export class ShardGivenUp extends Schema.TaggedError<ShardGivenUp>()("ShardGivenUp", {
  folder: Schema.String,
  shard: Schema.Natural,
  detail: Schema.String
}) {
  override get message() {
    return (
      `Shard ${this.shard + 1} is not predicted: ${this.detail}. Its files are in ${this.folder}/lists/` +
      `${String(this.shard).padStart(7, "0")}.json: leave out the one that ends every process, or give the workers ` +
      "more memory. The same command tries again; the other shards are kept"
    )
  }
}

/** A worker that was not heard of for so long, in milliseconds, counts no longer. */
const silence = 30_000

/** News may become visible after later ones: from time to time all are read again. */
const allEvery = 20

/**
 * Submits the shards that are left to a cluster, reports its workers' progress, and returns once all are finished.
 *
 * Interrupting it does not interrupt the prediction: the workers go on.
 */
export const submitAndWatch = Effect.fn("submitAndWatch")(function* <E, R>(
  prediction: ClusterPredictions.Submitted,
  options: {
    readonly left: ReadonlyArray<number>
    readonly computes: string | undefined
    readonly filesOf: (shard: number) => number
    readonly isThere: (shard: number) => Effect.Effect<boolean, E, R>
    /** Files that were done before. */
    readonly done: number
    readonly tell: (done: number, workers: number) => Effect.Effect<void>
  }
) {
  const { key } = prediction
  yield* ClusterPredictions.submit(prediction, options.left, options.isThere, options.computes)
  const waiting = new Set(options.left)
  const workers = new Map<string, { readonly shard: number; readonly done: number; readonly at: number }>()
  const notes = new Set<string>()
  let seen = 0

  const hear = Effect.fnUntraced(function* (news: ShardNews) {
    switch (news._tag) {
      case "Working": {
        const before = workers.get(news.worker)
        if (before?.shard !== news.shard || before.done !== news.done)
          workers.set(news.worker, { shard: news.shard, done: news.done, at: yield* Clock.currentTimeMillis })
        return
      }
      case "Finished":
        waiting.delete(news.shard)
        return
      case "GivenUp":
        if (!waiting.has(news.shard)) return
        return yield* new ShardGivenUp({ folder: prediction.folder, shard: news.shard, detail: news.detail })
      case "Note":
        if (notes.has(news.line)) return
        notes.add(news.line)
        return yield* report({ _tag: "Note", line: news.line })
    }
  })

  for (let round = 1; waiting.size > 0; round++) {
    for (const { id, news } of yield* ClusterPredictions.newsSince(key, round % allEvery === 0 ? 0 : seen)) {
      seen = Math.max(seen, id)
      yield* hear(news)
    }
    const now = yield* Clock.currentTimeMillis
    const active = [...workers.values()].filter(({ at, shard }) => now - at < silence && waiting.has(shard))
    const finished = options.left.filter((shard) => !waiting.has(shard))
    const done =
      options.done +
      finished.reduce((sum, shard) => sum + options.filesOf(shard), 0) +
      active.reduce((sum, { done }) => sum + done, 0)
    yield* options.tell(done, active.length)
    if (waiting.size > 0) yield* Effect.sleep("500 millis")
  }
  // A shared folder may show a file some seconds after another machine has written it.
  yield* Effect.forEach(options.left, (shard) =>
    Effect.repeat(options.isThere(shard), {
      until: (isThere) => isThere,
      times: 60,
      schedule: Schedule.spaced("1 second")
    })
  )
  yield* ClusterPredictions.finishIfDone(key)
})
