import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Creates tables, one process after the other: two that create a table at the same time can fail. */
export const createTables = <A, E, R>(create: (sql: SqlClient.SqlClient) => Effect.Effect<A, E, R>) =>
  SqlClient.SqlClient.use((sql) =>
    sql.withTransaction(Effect.andThen(sql`SELECT pg_advisory_xact_lock(5734021)`, create(sql)))
  )
