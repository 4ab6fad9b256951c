import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { messageOf } from "../../../pipeline/messageOf.ts"
import type { DeskSettings } from "../../../run/serve/Desk.ts"
import { Desk } from "../../../run/serve/Desk.ts"
import { DeskError } from "../../../run/serve/DeskFaults.ts"
import { Promotions } from "../../../run/serve/Promotions.ts"
import * as NodeSqlite from "../../database/NodeSqlite.ts"
import { makeDesk } from "./SqlDesk.ts"
import { makePromotions } from "./SqlPromotions.ts"

/** A desk and its models over an SQL client. */
export const overSql = (settings: DeskSettings): Layer.Layer<Desk | Promotions, DeskError, SqlClient.SqlClient> =>
  // One after the other: both create the tables.
  Layer.effect(Promotions, makePromotions).pipe(Layer.provideMerge(Layer.effect(Desk, makeDesk(settings))))

/**
 * A desk on one SQLite file, which is created if necessary: committed answers survive a killed process and a power cut.
 *
 * Fails with a DeskError where the file cannot be opened, is damaged, or belongs to a desk with other columns.
 */
export const layer = (file: string, settings: DeskSettings): Layer.Layer<Desk | Promotions, DeskError> =>
  overSql(settings).pipe(
    Layer.provide(
      NodeSqlite.layer(file).pipe(
        Layer.catch((error) =>
          Layer.effect(
            SqlClient.SqlClient,
            Effect.fail(new DeskError({ detail: `${file} cannot be opened: ${messageOf(error)}`, cause: error }))
          )
        )
      )
    )
  )
