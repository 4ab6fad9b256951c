import { Layer } from "effect"
import type { Desk, DeskSettings } from "../../../run/serve/Desk.ts"
import type { DeskError } from "../../../run/serve/DeskFaults.ts"
import type { Promotions } from "../../../run/serve/Promotions.ts"
import type { ClusterUrl } from "../../database/ClusterUrl.ts"
import type { ClusterUnavailable } from "../../database/Postgres.ts"
import * as Postgres from "../../database/Postgres.ts"
import { overSql } from "./SqliteDesk.ts"

/** A desk on a PostgreSQL, which several servers share. Fails with ClusterUnavailable where it cannot be reached. */
export const layer = (
  url: ClusterUrl,
  settings: DeskSettings
): Layer.Layer<Desk | Promotions, DeskError | ClusterUnavailable> =>
  overSql(settings).pipe(Layer.provide(Postgres.layer(url)))
