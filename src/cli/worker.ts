import { Console, Duration, Effect, Layer, Option, Path, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as ClusterSearch from "../layers/search/cluster/ClusterSearch.ts"
import { defaultExpiry } from "../layers/cluster/jobQueue.ts"
import { freePort } from "../layers/cluster/freePort.ts"
import { ownAddress, sayingWhich } from "../layers/database/Postgres.ts"
import { together, work } from "../layers/cluster/Worker.ts"
import * as ClusterPredictions from "../layers/prediction/ClusterPredictions.ts"
import { predictionJobs } from "../layers/prediction/predictionJobs.ts"
import { searchJobs } from "../layers/search/cluster/searchJobs.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { openShardPredictor } from "../run/predict/shardedPrediction.ts"
import { Runs } from "../run/Runs.ts"
import { prepareSearch } from "../run/search/prepareSearch.ts"
import { runSearch } from "../run/search/runSearch.ts"
import { chosenCluster, cluster } from "./clusterFlag.ts"
import { trainers } from "./trainers.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  cluster,
  host: Flag.String("host").pipe(
    Flag.withDescription(
      "The address at which other workers reach this machine; where left out, the one by which it reaches PostgreSQL"
    ),
    Flag.optional
  ),
  port: Flag.Int("port").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
    Flag.withDescription("The port; a free one where left out"),
    Flag.optional
  ),
  folder: Flag.String("folder").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      "The shared folder with the folders of searches and predictions, as this machine sees it; where left out, the path that each was submitted with"
    ),
    Flag.optional
  ),
  data: Flag.String("data").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      "The data on this machine: data.root of every trial, and the folder that relative paths to predict are meant from; as they were submitted where left out"
    ),
    Flag.optional
  ),
  expiry: Flag.Int("expiry").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 3600 }))),
    Flag.withMetavar("SECONDS"),
    Flag.withDescription(
      "A worker that has sent no sign of life for this long counts as dead, and others take its work"
    ),
    Flag.withDefault(Duration.toSeconds(defaultExpiry))
  )
}

/** Takes part in a cluster's searches and predictions until it is stopped. */
export const worker = Command.make(
  "worker",
  flags,
  Effect.fnUntraced(function* (options) {
    const { resolve } = yield* Path.Path
    const chosen = yield* chosenCluster(options.cluster)
    if (Option.isNone(chosen))
      return yield* new ConfigError({
        where: "--cluster",
        problems: [
          "expected the address of the PostgreSQL that the workers share: --cluster URL, or WEFT_CLUSTER in the environment"
        ]
      })
    const address = yield* ownAddress(chosen.value)
    const host = Option.getOrElse(options.host, () => address)
    const port = Option.isSome(options.port) ? options.port.value : yield* freePort(host)
    yield* report({ _tag: "Note", line: `worker ${host}:${port} of ${chosen.value.shown}` })
    const layer = ClusterSearch.workerLayer(chosen.value, runSearch, {
      host,
      port,
      expiry: Duration.seconds(options.expiry)
    })
    const data = Option.map(options.data, (data) => resolve(data))
    const predictions = predictionJobs(
      (path) =>
        Effect.flatMap(
          Runs.use((runs) => runs.existing(path)),
          (folder) => openShardPredictor(folder, Option.getOrUndefined(data))
        ),
      `${host}:${port}`
    )
    return yield* Effect.gen(function* () {
      const searches = yield* searchJobs(prepareSearch, Option.getOrUndefined(options.data))
      const jobs = Effect.zipWith(searches, predictions, together)
      return yield* work(Option.getOrUndefined(options.folder), jobs)
    }).pipe(
      Effect.provide(Layer.merge(ClusterPredictions.tables, trainers(1)).pipe(Layer.provideMerge(layer))),
      sayingWhich(chosen.value),
      Effect.onInterrupt(() =>
        Console.error(
          "\nStopped. Other workers take over its work: trials go on from their checkpoints, and its shard is predicted again."
        )
      )
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Takes part in searches and predictions that were submitted to a cluster, until it is stopped"
  ),
  Command.withExamples([
    {
      command: `WEFT_CLUSTER=postgres://weft:…@db/weft ${weftCommand("worker --folder /mnt/shared/work")}`,
      description: "Work on a machine of its own"
    }
  ])
)
