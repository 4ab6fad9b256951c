import { Console, Effect, FileSystem, Option, Path } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"
import { keyFile } from "../layers/cluster/Worker.ts"
import type { ClusterUrl } from "../layers/database/ClusterUrl.ts"
import { sayingWhich } from "../layers/database/Postgres.ts"
import * as ClusterPredictions from "../layers/prediction/ClusterPredictions.ts"
import { submitAndWatch } from "../layers/prediction/watch.ts"
import { report } from "../pipeline/Progress.ts"
import type { TakeFeatures } from "../run/predict/predictFiles.ts"
import { predictShards } from "../run/predict/predictShards.ts"
import { finishedHead } from "../run/predict/shardFiles.ts"
import type { ShardedPrediction, ShardsRequest } from "../run/predict/shardedPrediction.ts"
import { engineOf, joinShards, openShards, unfinishedShards } from "../run/predict/shardedPrediction.ts"
import { openShardMeter } from "../run/predict/shardMeter.ts"
import type { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"

type Folder = RunFolder["Service"]

const counted = (count: number, what: string) => `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`

/** Leaves the shards to a cluster's workers, and waits for them. */
const onCluster = Effect.fnUntraced(function* (folder: Folder, prediction: ShardedPrediction, url: ClusterUrl) {
  const fs = yield* FileSystem.FileSystem
  const { basename } = yield* Path.Path
  const { files, key, weft } = prediction
  const { computes, filesOf, left } = yield* unfinishedShards(folder, prediction)
  if (left.length === 0) return
  yield* fs.writeFileString(`${folder.path}/${keyFile}`, key)
  const tell = openShardMeter(files)
  yield* report({ _tag: "Note", line: `submitted to ${url.shown}; start workers with ${weftCommand("worker")}` })
  yield* submitAndWatch(
    { key, name: basename(folder.path), folder: folder.path, version: weft },
    {
      left,
      computes,
      filesOf,
      isThere: (shard) => Effect.map(finishedHead(folder, key, shard), Option.isSome),
      done: files - left.reduce((sum, shard) => sum + filesOf(shard), 0),
      tell
    }
  ).pipe(Effect.provide(ClusterPredictions.clientLayer(url)), sayingWhich(url))
})

/** Refuses a folder that holds something else. */
const refuseOthers = Effect.fnUntraced(function* (folder: Folder, where: string) {
  const isSearch = yield* folder.has("search.json")
  if (isSearch || (yield* folder.has("config.json")))
    return yield* new ConfigError({
      where,
      problems: [`there is a ${isSearch ? "search" : "run"} in this folder; name another folder`]
    })
})

/**
 * Predicts in shards, in a folder where a prediction goes on that was stopped: in this process, or by a cluster's workers.
 * All shards are finished when it returns. Gives the predictions as `predictFiles` would.
 */
export const predictInShards = Effect.fn("predictInShards")(function* (
  shown: string,
  asked: Omit<ShardsRequest, "root">,
  cluster: Option.Option<ClusterUrl>,
  take: TakeFeatures
) {
  const { resolve } = yield* Path.Path
  const path = resolve(shown)
  const where = `--shards ${shown}`
  yield* Runs.use((runs) => runs.hold(path, "refuse"))
  const { folder } = yield* Runs.use((runs) => runs.open(path, 1))
  yield* refuseOthers(folder, where)
  const { columns, isNew, prediction } = yield* openShards(folder, { ...asked, root: resolve(".") }, where)
  const { files, shards } = prediction
  const finished = isNew ? 0 : shards - (yield* unfinishedShards(folder, prediction)).left.length
  const before = isNew ? "" : `; finished already: ${finished}`
  const sizes = `${counted(files, "file")} in ${counted(shards, "shard")}`
  yield* report({ _tag: "Note", line: `prediction ${shown}: ${sizes}${before}` })
  const work = Effect.gen(function* () {
    return yield* Option.isSome(cluster)
      ? onCluster(folder, prediction, cluster.value)
      : predictShards(folder, prediction)
  })
  yield* Effect.onInterrupt(work, () =>
    Console.error(
      Option.isSome(cluster)
        ? `\nNo longer watched; the workers go on, and leave their shards in ${shown}. To watch again: the same command`
        : `\nInterrupted; the finished shards are in ${shown}. To go on: the same command`
    )
  )
  return {
    columns,
    engine: yield* engineOf(folder, prediction),
    predictions: joinShards(folder, prediction, take),
    /** Where no file could be read, the folder is free for the corrected command. */
    forget: folder.remove("prediction.json")
  }
})
