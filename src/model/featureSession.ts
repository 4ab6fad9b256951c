import { Effect } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import type { Session } from "./Engine.ts"
import { EngineError } from "./Engine.ts"
import { asImage } from "./shapes.ts"
import type { OpenFeatures } from "./Features.ts"

/** A batch with its features in place of the images, which nothing after the frozen part needs. */
export const withFeatures = Effect.fn("withFeatures")(function* (features: OpenFeatures, batch: Batch) {
  const { features: known, images, size } = batch
  if (known !== undefined) return { ...batch, features: known } satisfies Batch
  // Not even an empty batch reaches the engine.
  const computed = size === 0 ? new Float32Array(0) : yield* features.run(images, size)
  batch.release?.()
  const { release: _, ...rest } = batch
  return { ...rest, images: new Float32Array(0), features: computed } satisfies Batch
})

/**
 * A session on the blocks after a frozen part that takes images, as a session on the whole network does: where a batch
 * has no features, they are computed.
 */
export const featureSession = (session: Session, features: OpenFeatures): Session => {
  const [height, width] = asImage(features.shape)
  const enter = (batch: Batch) => {
    // The caller releases the batch: other sessions may get it after this one.
    const { release: _, ...held } = batch
    return withFeatures(features, held).pipe(
      Effect.mapError(
        ({ cause, detail, engine, reason }) =>
          new EngineError({ engine, reason: reason === "outOfMemory" ? reason : "failed", detail, cause })
      ),
      // The images, as the network behind takes them.
      Effect.map(({ features, ...rest }): Batch => ({ ...rest, images: features, height, width }))
    )
  }
  const { moveStatistics } = session
  return {
    ...session,
    ...(moveStatistics && {
      moveStatistics: (batch: Batch, at: Parameters<typeof moveStatistics>[1]) =>
        Effect.flatMap(enter(batch), (entered) => moveStatistics(entered, at))
    }),
    train: (batch, at) => Effect.flatMap(enter(batch), (entered) => session.train(entered, at)),
    predict: (batch) => Effect.flatMap(enter(batch), session.predict)
  }
}
