import { Effect } from "effect"
import type { OpenFeatures } from "./Features.ts"

/**
 * Features that are computed once for the same images, however many sessions ask for them. They are keyed by the array
 * of the images, which each batch has of its own, and freed with it.
 */
export const rememberFeatures = (features: OpenFeatures): OpenFeatures => {
  const known = new WeakMap<Float32Array, Float32Array>()
  return {
    ...features,
    run: Effect.fnUntraced(function* (images, size) {
      const there = known.get(images)
      if (there !== undefined) return there
      const computed = yield* features.run(images, size)
      known.set(images, computed)
      return computed
    })
  }
}
