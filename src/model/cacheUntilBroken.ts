import { Effect } from "effect"
import type { FeatureCacheError } from "./FeatureCache.ts"

/**
 * Uses of a cache: each gives its result, or nothing from the first failure on, so that a failing cache does not end
 * the run.
 */
export const cacheUntilBroken = (onTrouble: (error: FeatureCacheError) => Effect.Effect<void>) => {
  let broken = false
  return <A, R>(use: Effect.Effect<A, FeatureCacheError, R>): Effect.Effect<A | undefined, never, R> =>
    Effect.suspend(() =>
      broken
        ? Effect.succeed(undefined)
        : use.pipe(
            Effect.catch((error) => {
              broken = true
              return Effect.as(onTrouble(error), undefined)
            })
          )
    )
}
