import { NodeCrypto } from "@effect/platform-node"
import { Layer } from "effect"
import { ClusterWorkflowEngine, SingleRunner } from "effect/cluster"
import { PersistedQueue } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { runSearch, Search } from "../../run/search/Search.ts"
import * as NodeSqlite from "./NodeSqlite.ts"

const queueTable = "weft_groups"

/** Groups that a process took and died over: no other process is at work on this file, so they wait again at once. */
const putBack = Layer.effectDiscard(
  SqlClient.SqlClient.use(
    (sql) =>
      sql`UPDATE ${sql(queueTable)} SET acquired_at = NULL, acquired_by = NULL, attempts = 0 WHERE state = 'pending'`
  )
)

const queue = PersistedQueue.layer.pipe(
  Layer.provide(putBack.pipe(Layer.provideMerge(PersistedQueue.layerStoreSql({ tableName: queueTable }))))
)

/**
 * Durable searches in one process, on one file. The caller sees to it that no other process uses the file.
 */
export const layer = (file: string) =>
  Search.toLayer(runSearch).pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(queue),
    Layer.provide(SingleRunner.layer({ runnerStorage: "memory" })),
    Layer.provide(NodeCrypto.layer),
    Layer.provide(NodeSqlite.layer(file))
  )
