import { Context, Effect, Layer, Schema } from "effect"
import type { FeatureSpace } from "./FeatureSpace.ts"

/** The cache's files could not be read or written. A run can go on without it. */
export class FeatureCacheError extends Schema.TaggedError<FeatureCacheError>()("FeatureCacheError", {
  path: Schema.String,
  reason: Schema.Literals(["diskFull", "notPermitted", "failed"]),
  detail: Schema.String
}) {
  override get message() {
    return `the feature cache cannot use ${this.path}: ${this.detail}`
  }
}

/** The rows that a cache has for some keys. */
export interface CachedFeatures {
  /** One row a key, in the keys' order; the rows that are missing are zeros. */
  readonly features: Float32Array
  /** Positions of the keys that are not there, ascending. */
  readonly missing: ReadonlyArray<number>
}

/**
 * Features of samples, keyed by everything that they were computed from. A row is bit for bit what was written, or
 * missing.
 */
export class FeatureCache extends Context.Service<
  FeatureCache,
  {
    /** Many keys at once; see `featureKey`. */
    readonly read: (
      space: FeatureSpace,
      keys: ReadonlyArray<string>
    ) => Effect.Effect<CachedFeatures, FeatureCacheError>
    /** Writes one row of `features` for each key; rows that are there already stay. */
    readonly write: (
      space: FeatureSpace,
      keys: ReadonlyArray<string>,
      features: Float32Array
    ) => Effect.Effect<void, FeatureCacheError>
  }
>()("weft/model/FeatureCache") {
  /** Features in memory, without a bound. */
  static readonly layerMemory = Layer.sync(FeatureCache, () => {
    const spaces = new Map<string, Map<string, Float32Array>>()
    const rowsOf = ({ digest }: FeatureSpace) => {
      const rows = spaces.get(digest) ?? new Map<string, Float32Array>()
      spaces.set(digest, rows)
      return rows
    }
    return {
      read: (space, keys) =>
        Effect.sync(() => {
          const features = new Float32Array(keys.length * space.length)
          const missing: Array<number> = []
          for (const [i, key] of keys.entries()) {
            const row = rowsOf(space).get(key)
            if (row === undefined) missing.push(i)
            else features.set(row, i * space.length)
          }
          return { features, missing }
        }),
      write: (space, keys, features) =>
        Effect.sync(() => {
          const rows = rowsOf(space)
          for (const [i, key] of keys.entries())
            if (!rows.has(key)) rows.set(key, features.slice(i * space.length, (i + 1) * space.length))
        })
    }
  })
}
