/** What the page needs before anything else, sessions, and how far the desk is. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Column } from "../../../run/serve/ColumnValue.ts"
import { DeskClass } from "../../../run/serve/DeskClass.ts"
import { Honesty, Progress } from "../../../run/serve/DeskMetrics.ts"
import { Instant } from "../../../run/serve/Item.ts"
import { Operator } from "../../../run/serve/Operator.ts"
import { ModelRecord } from "../../../run/serve/Promotions.ts"
import { Authorization, Requests } from "./access.ts"
import { notAtDesk, TooManyWithHeader, Unauthorized } from "./refusals.ts"

/** What the page needs before anything else. */
export const DeskFacts = Schema.Struct({
  operator: Operator,
  /** To be sent in `x-csrf-token`; null where no cookie is used. */
  csrf: Schema.NullOr(Schema.String),
  columns: Schema.NonEmptyArray(Column),
  leaseSeconds: Schema.Natural,
  /** The live model; null before the first. */
  model: Schema.NullOr(ModelRecord),
  limits: Schema.Struct({ bodyBytes: Schema.Natural, pixels: Schema.Natural, images: Schema.Natural }),
  version: Schema.String
})

export const session = HttpApiGroup.make("session")
  .add(
    /** Sets the cookie: `HttpOnly`, `SameSite=Strict`, `Secure` behind TLS. 429 after many wrong tokens. */
    HttpApiEndpoint.post("login", "/v1/session", {
      payload: Schema.Struct({ token: Schema.String.check(Schema.isMaxLength(500)) }),
      success: Schema.Struct({ operator: Operator, csrf: Schema.String }),
      error: [Unauthorized, TooManyWithHeader]
    })
  )
  .middleware(Requests)

export const desk = HttpApiGroup.make("desk")
  .add(
    HttpApiEndpoint.get("facts", "/v1/desk", { success: DeskFacts }),
    HttpApiEndpoint.delete("logout", "/v1/session", { success: HttpApiSchema.NoContent }),
    HttpApiEndpoint.get("classes", "/v1/classes", {
      query: { column: Schema.optionalKey(Column) },
      /** The most frequent first. */
      success: Schema.Array(DeskClass),
      error: [notAtDesk]
    }),
    HttpApiEndpoint.get("progress", "/v1/progress", { success: Progress }),
    HttpApiEndpoint.get("honesty", "/v1/honesty", {
      query: { since: Schema.optionalKey(Instant) },
      success: Schema.Array(Honesty)
    })
  )
  .middleware(Authorization)
  .middleware(Requests)
