import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { Duration, Effect, Layer, Option } from "effect"
import { ClusterWorkflowEngine, RunnerAddress } from "effect/cluster"
import type { SearchRounds } from "../../../run/search/Searches.ts"
import { groupQueue, searches, workflow } from "../SearchWorkflow.ts"
import { finish, tables as createTables } from "./ClusterSearches.ts"
import * as jobQueue from "../../cluster/jobQueue.ts"
import type { ClusterUrl } from "../../database/ClusterUrl.ts"
import * as Postgres from "../../database/Postgres.ts"

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
    Layer.provide(engine({ address: Option.none(), expiry: jobQueue.defaultExpiry })),
    Layer.provideMerge(tables),
    Layer.provideMerge(Postgres.layer(cluster))
  )

/** A worker of a cluster: it runs the searches' workflows, and takes groups from their queue, which other jobs have too. */
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
    Layer.provideMerge(jobQueue.layer(expiry)),
    Layer.provideMerge(tables),
    Layer.provideMerge(Postgres.layer(cluster))
  )
}
