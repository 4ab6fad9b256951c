import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { Layer } from "effect"
import { ClusterWorkflowEngine, SingleRunner } from "effect/cluster"
import { PersistedQueue } from "effect/persistence"
import { SqlClient } from "effect/sql"
import type { SearchRounds } from "../../run/search/Searches.ts"
import { queueTable } from "../cluster/jobQueue.ts"
import * as NodeSqlite from "../database/NodeSqlite.ts"
import { groupQueue, searches, workflow } from "./SearchWorkflow.ts"

/** Puts groups back into the queue that a dead process had taken: no other process uses this file. */
const putBack = Layer.effectDiscard(
  SqlClient.SqlClient.use(
    (sql) =>
      sql`UPDATE ${sql(queueTable)} SET acquired_at = NULL, acquired_by = NULL, attempts = 0 WHERE state = 'pending'`
  )
)

const queue = PersistedQueue.layer.pipe(
  Layer.provide(putBack.pipe(Layer.provideMerge(PersistedQueue.layerStoreSql({ tableName: queueTable }))))
)

/** Durable searches in one process, on one file, which no other process may use. */
export const layer = (file: string, rounds: SearchRounds) =>
  Layer.mergeAll(searches, groupQueue, workflow(rounds)).pipe(
    Layer.provide(ClusterWorkflowEngine.layer),
    Layer.provide(queue),
    Layer.provide(SingleRunner.layer({ runnerStorage: "memory" })),
    Layer.provide(NodeCrypto.layer),
    Layer.provide(NodeSqlite.layer(file))
  )
