import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { Duration, Effect, Layer, Option } from "effect"
import { ClusterWorkflowEngine, RunnerAddress } from "effect/cluster"
import { PersistedQueue } from "effect/persistence"
import type { SearchRounds } from "../../../run/search/Searches.ts"
import { groupQueue, searches, workflow } from "../SearchWorkflow.ts"
import { createTables, finish } from "./ClusterSearches.ts"
import type { ClusterUrl } from "../../database/ClusterUrl.ts"
import * as Postgres from "../../database/Postgres.ts"

/** A worker that has sent no sign of life for this long counts as dead, and its work is given to others. */
export const defaultExpiry = Duration.seconds(10)

const queue = (expiry: Duration.Duration) =>
  PersistedQueue.layer.pipe(
    Layer.provide(
      PersistedQueue.layerStoreSql({
        tableName: "weft_groups",
        pollInterval: "500 millis",
        lockExpiration: expiry,
        lockRefreshInterval: Duration.divideUnsafe(expiry, 4)
      })
    )
  )

const engine = (options: {
  /** The worker's address; none for a process that only submits and watches. */
  readonly address: Option.Option<RunnerAddress.RunnerAddress>
  readonly expiry: Duration.Duration
}) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      NodeClusterSocket.layer({
        storage: "sql",
        clientOnly: Option.isNone(options.address),
        shardingConfig: {
          runnerAddress: options.address,
          shardLockExpiration: options.expiry,
          shardLockRefreshInterval: Duration.divideUnsafe(options.expiry, 4),
          runnerHealthCheckInterval: options.expiry,
          // A workflow is suspended while its groups are trained, and polled this often: soon enough after a group has
          // ended.
          entityMessagePollInterval: "1 second"
        }
      })
    )
  )

const tables = Layer.effectDiscard(createTables)

/** Submits searches to a cluster, and watches them. */
export const clientLayer = (cluster: ClusterUrl) =>
  searches.pipe(
    Layer.provide(engine({ address: Option.none(), expiry: defaultExpiry })),
    Layer.provideMerge(tables),
    Layer.provideMerge(Postgres.layer(cluster))
  )

/** A worker of a cluster: it runs the searches' workflows, and takes groups from their queue. */
export const workerLayer = (
  cluster: ClusterUrl,
  rounds: SearchRounds,
  options: { readonly host: string; readonly port: number; readonly expiry: Duration.Duration }
) => {
  const { expiry, host, port } = options
  return Layer.merge(
    groupQueue,
    workflow(rounds, (key) => Effect.orDie(finish(key)))
  ).pipe(
    Layer.provide(engine({ address: Option.some(RunnerAddress.make(host, port)), expiry })),
    Layer.provide(queue(expiry)),
    Layer.provideMerge(tables),
    Layer.provideMerge(Postgres.layer(cluster))
  )
}
