import { Effect } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { EngineError, EngineUnavailable } from "./Engine.ts"
import { imagesFault } from "./faults.ts"
import type { FeaturesError, FeaturesName } from "./Features.ts"
import { Features } from "./Features.ts"
import type { Model } from "./Model.ts"
import type { Predictor } from "./Predictor.ts"
import { inputShape } from "./shapes.ts"

const failed = ({ cause, detail, engine, reason }: FeaturesError) =>
  new EngineError({ engine, reason: reason === "outOfMemory" ? "outOfMemory" : "failed", detail, cause })

/**
 * A whole network applied by `Features`, by the named engine or the quickest: the features of its last block are the
 * logits. `key` names what computes them.
 */
export const openFeaturesPredictor = Effect.fn("openFeaturesPredictor")(function* (
  { network, weights }: Pick<Model, "network" | "weights">,
  by?: FeaturesName
) {
  const frozen = { blocks: network.blocks, input: inputShape(network), weights }
  const { engine, key, run } = yield* Features.use((features) => features.open(frozen, by)).pipe(
    Effect.mapError((error) =>
      error.reason === "unavailable"
        ? new EngineUnavailable({ engine: error.engine, reason: error.detail, cure: "Or name another engine." })
        : failed(error)
    )
  )
  const predict = Effect.fnUntraced(function* (batch: Batch) {
    const detail = imagesFault(network, batch)
    if (detail !== undefined) return yield* new EngineError({ engine: key, reason: "failed", detail })
    return yield* Effect.mapError(run(batch.images, batch.size), failed)
  })
  return { name: engine, key, predictor: { predict } satisfies Predictor }
})
