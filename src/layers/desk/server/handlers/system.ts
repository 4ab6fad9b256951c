import { Context, Effect, Layer, Ref } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Classifier } from "../../../../run/serve/Classifier.ts"
import { Desk } from "../../../../run/serve/Desk.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { NotReady } from "../../api/refusals.ts"
import { answered } from "../faults.ts"

/** Whether the server is being stopped, and ends when its requests have their answers. */
export class Draining extends Context.Service<Draining, Ref.Ref<boolean>>()("weft/layers/desk/server/Draining") {
  static readonly layer = Layer.effect(Draining, Ref.make(false))
}

/** For whoever watches over the server. */
export const system = HttpApiBuilder.group(
  DeskApi,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const classifier = yield* Classifier
    const desk = yield* Desk
    const draining = yield* Draining
    return handlers
      .handle("health", () => Effect.succeed({ status: "ok" as const }))
      .handle(
        "ready",
        Effect.fnUntraced(function* () {
          if (yield* Ref.get(draining)) return yield* new NotReady({ message: "The server is being stopped" })
          if ((yield* classifier.live) === null) return yield* new NotReady({ message: "No model is loaded yet" })
          yield* answered(desk.ready)
          return { status: "ready" as const }
        })
      )
      .handle("metrics", () => PrometheusMetrics.format())
  })
)
