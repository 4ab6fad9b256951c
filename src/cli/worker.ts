import { Console, Duration, Effect, Layer, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as ClusterSearch from "../layers/search/cluster/ClusterSearch.ts"
import { freePort } from "../layers/search/cluster/freePort.ts"
import { ownAddress, sayingWhich } from "../layers/database/Postgres.ts"
import { work } from "../layers/search/cluster/Worker.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
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
      "The shared folder with the searches' folders, as this machine sees it; where left out, the path that the search was submitted with"
    ),
    Flag.optional
  ),
  data: Flag.String("data").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("The data on this machine: data.root of every trial; as configured where left out"),
    Flag.optional
  ),
  expiry: Flag.Int("expiry").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 3600 }))),
    Flag.withMetavar("SECONDS"),
    Flag.withDescription(
      "A worker that has sent no sign of life for this long counts as dead, and others take its work"
    ),
    Flag.withDefault(Duration.toSeconds(ClusterSearch.defaultExpiry))
  )
}

/** Takes part in a cluster's searches until it is stopped. */
export const worker = Command.make(
  "worker",
  flags,
  Effect.fnUntraced(function* (options) {
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
    const here = { folder: Option.getOrUndefined(options.folder), data: Option.getOrUndefined(options.data) }
    return yield* work(here, prepareSearch).pipe(
      Effect.provide(Layer.merge(layer, trainers(1))),
      sayingWhich(chosen.value),
      Effect.onInterrupt(() => Console.error("\nStopped. Other workers go on with its trials, from their checkpoints."))
    )
  })
).pipe(
  Command.withDescription("Takes part in searches that were submitted to a cluster, until it is stopped"),
  Command.withExamples([
    {
      command: `WEFT_CLUSTER=postgres://weft:…@db/weft ${weftCommand("worker --folder /mnt/shared/searches")}`,
      description: "Work on a machine of its own"
    }
  ])
)
