import { Effect } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { EngineError, EngineUnavailable } from "./Engine.ts"
import { imagesFault } from "./faults.ts"
import type { FeaturesError, FeaturesName } from "./Features.ts"
import { Features } from "./Features.ts"
import type { Model } from "./Model.ts"
import type { Predictor } from "./Predictor.ts"
import { inputShape } from "./shapes.ts"

/** An error of `Features` as one of an engine. */
export const failed = ({ cause, detail, engine, reason }: FeaturesError) =>
  new EngineError({ engine, reason: reason === "outOfMemory" ? "outOfMemory" : "failed", detail, cause })

/** What applies features is not there. */
export const missing = ({ detail, engine }: FeaturesError, cure: string) =>
  new EngineUnavailable({ engine, reason: detail, cure })

/**
 * A whole network applied by `Features`, by the named engine or the quickest: the features of its last block are the
 * logits. `key` names what computes them.
 */
export const openFeaturesPredictor = Effect.fn("openFeaturesPredictor")(function* (
  { backbone, network, weights }: Pick<Model, "backbone" | "network" | "weights">,
  by?: FeaturesName
) {
  const frozen = { blocks: network.blocks, input: inputShape(network), weights, backbone }
  const { calls, engine, key, run } = yield* Features.use((features) => features.open(frozen, by)).pipe(
    Effect.mapError((error) =>
      error.reason === "unavailable" ? missing(error, "Or name another engine.") : failed(error)
    )
  )
  const predict = Effect.fnUntraced(function* (batch: Batch) {
    const detail = imagesFault(network, batch)
    if (detail !== undefined) return yield* new EngineError({ engine: key, reason: "failed", detail })
    return yield* Effect.mapError(run(batch.images, batch.size), failed)
  })
  return { name: engine, key, calls: calls ?? 1, predictor: { predict } satisfies Predictor }
})
