/** Exports, retraining and models for admins, and what a system asks for. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Name } from "../../../run/serve/Item.ts"
import { ModelRecord } from "../../../run/serve/Promotions.ts"
import { Retraining } from "../../../run/serve/Retraining.ts"
import { AdminOnly, Authorization, Requests } from "./access.ts"
import { NotFound, notPromotable, NotReady } from "./refusals.ts"

const csvBody = HttpApiSchema.StreamUint8Array({ contentType: "text/csv; charset=utf-8" })

export const admin = HttpApiGroup.make("admin")
  .add(
    /** The catalogue's file with the corrected cells; all other bytes as they are. 404: the run read no CSV. */
    HttpApiEndpoint.get("exportCsv", "/v1/export.csv", { success: csvBody, error: [NotFound] }),
    /** The corrected cells alone, for `data.corrections`. */
    HttpApiEndpoint.get("correctionsCsv", "/v1/corrections.csv", { success: csvBody }),
    HttpApiEndpoint.get("retraining", "/v1/retrain", { success: Retraining }),
    /** 202; one that goes on already stays, and is the reply. */
    HttpApiEndpoint.post("retrain", "/v1/retrain", { success: Retraining.pipe(HttpApiSchema.status(202)) }),
    HttpApiEndpoint.post("stopRetraining", "/v1/retrain/stop", { success: Retraining }),
    HttpApiEndpoint.get("models", "/v1/models", { success: Schema.Array(ModelRecord) }),
    HttpApiEndpoint.post("promote", "/v1/models/:model/promote", {
      params: { model: Name },
      /** `force`: although the gate held it back. */
      payload: Schema.Struct({ force: Schema.optionalKey(Schema.Boolean) }),
      success: ModelRecord,
      error: notPromotable
    }),
    HttpApiEndpoint.post("rollBack", "/v1/models/roll-back", { success: ModelRecord, error: notPromotable })
  )
  .middleware(AdminOnly)
  .middleware(Authorization)
  .middleware(Requests)

export const system = HttpApiGroup.make("system", { topLevel: true }).add(
  /** The process runs. */
  HttpApiEndpoint.get("health", "/health", { success: Schema.Struct({ status: Schema.Literal("ok") }) }),
  /** A model is loaded and the database answers; 503 before, and while draining. */
  HttpApiEndpoint.get("ready", "/ready", {
    success: Schema.Struct({ status: Schema.Literal("ready") }),
    error: NotReady
  }),
  /** Prometheus' text format. */
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  })
)
