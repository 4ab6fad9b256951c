import { Effect } from "effect"
import type { Engine } from "./Engine.ts"
import { Features } from "./Features.ts"
import { failed, missing } from "./featuresPredictor.ts"
import { featureSession } from "./featureSession.ts"
import type { Model } from "./Model.ts"
import { inferenceOptions } from "./Model.ts"
import { splitAt, untrainable } from "./parts.ts"
import { inputShape } from "./shapes.ts"

/**
 * A model in an engine's session, for predictions. The ONNX file of the network `onnx`, which no engine applies, goes to
 * `Features`: fails with `EngineUnavailable` where nothing here runs it.
 */
export const openModel = Effect.fn("openModel")(function* (
  engine: Engine["Service"],
  { backbone, network, weights }: Pick<Model, "backbone" | "network" | "weights">
) {
  const at = untrainable(network)
  if (at === 0) return yield* engine.open(inferenceOptions({ network, weights }))
  const { front, tail } = splitAt(network, at)
  const features = yield* Features.use(({ open }) =>
    open({ blocks: front, input: inputShape(network), weights, backbone })
  ).pipe(
    Effect.mapError((error) =>
      error.reason === "unavailable"
        ? missing(error, "Nothing else applies the ONNX file of this model.")
        : failed(error)
    )
  )
  return featureSession(yield* engine.open(inferenceOptions({ network: tail, weights })), features)
})
