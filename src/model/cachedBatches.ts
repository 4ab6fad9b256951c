import { Effect, Stream } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { batchLabels } from "../pipeline/batchLabels.ts"
import { lostOf } from "../pipeline/Losses.ts"
import type { Losses } from "../pipeline/Losses.ts"
import type { Sample } from "../pipeline/Sample.ts"
import type { Drawn } from "../pipeline/sampling.ts"
import { cacheUntilBroken } from "./cacheUntilBroken.ts"
import type { EpochTeacher } from "./EpochTeacher.ts"
import type { FeatureCacheError } from "./FeatureCache.ts"
import { FeatureCache } from "./FeatureCache.ts"
import type { FeaturesError, OpenFeatures } from "./Features.ts"
import type { FeatureSpace } from "./FeatureSpace.ts"
import { featureKey } from "./FeatureSpace.ts"
import { withFeatures } from "./featureSession.ts"

/** The batches of an epoch, and how to make them of images. */
export interface CachedBatchesOptions<E, R> {
  readonly space: FeatureSpace
  readonly features: OpenFeatures
  /** The epoch's samples, in its order. */
  readonly samples: ReadonlyArray<Drawn<Sample>>
  readonly batchSize: number
  /** The samples that have left the run. */
  readonly losses: Losses
  /** The batch to begin with. */
  readonly from: number
  readonly height: number
  readonly width: number
  /** The epoch's batches of images, from a batch on. */
  readonly images: (from: number) => Stream.Stream<Batch, E, R>
  /** What the epoch's batches are taught by, if anything. */
  readonly teacher?: EpochTeacher | undefined
  /** Called once, with the first failure of the cache: the run goes on without it. */
  readonly onTrouble: (error: FeatureCacheError) => Effect.Effect<void>
}

/**
 * An epoch's batches with their features. As long as the cache has whole batches, no image is read. From the first
 * batch that it lacks on, features are computed from the images, and cached. A sample whose features are in the cache
 * stays in its batch, even if its file is gone: they are the features of the image that was checked.
 */
export const cachedBatches = <E, R>(
  options: CachedBatchesOptions<E, R>
): Stream.Stream<Batch, E | FeaturesError, R | FeatureCache> => {
  const { batchSize, features, from, height, images, losses, samples, space, teacher, width } = options
  const count = Math.ceil(samples.length / batchSize)
  const samplesOf = (index: number) => samples.slice(index * batchSize, (index + 1) * batchSize)
  const keysOf = (some: ReadonlyArray<Drawn<Sample>>) =>
    Effect.forEach(some, ({ digest, id, repeat }) => featureKey(space, { image: digest, id, repeat }))
  return Stream.unwrap(
    Effect.gen(function* () {
      const cache = yield* FeatureCache
      const trying = cacheUntilBroken(options.onTrouble)
      const known = Effect.fn("cachedBatches.read")(function* (index: number) {
        if (index >= count) return undefined
        const listed = samplesOf(index)
        const there = listed.filter(({ id }) => losses.of(id) === undefined)
        const lost = lostOf(listed, losses)
        const found = yield* trying(Effect.flatMap(keysOf(there), (keys) => cache.read(space, keys)))
        if (found === undefined || found.missing.length > 0) return undefined
        const taught = yield* teacher?.known(there) ?? Effect.succeed(undefined)
        if (teacher !== undefined && taught === undefined) return undefined
        return {
          index,
          images: new Float32Array(0),
          features: found.features,
          ...batchLabels(losses.columns, there),
          ids: there.map(({ id }) => id),
          ...(taught !== undefined && { teacher: taught }),
          ...(lost.length > 0 && { lost }),
          size: there.length,
          height,
          width
        } satisfies Batch
      })
      const compute = Effect.fn("cachedBatches.compute")(function* (batch: Batch) {
        const ids = new Set(batch.ids)
        const there = samplesOf(batch.index).filter(({ id }) => ids.has(id))
        const keys = yield* keysOf(there)
        // The images are gone once there are features. These may be known already, and only the teacher's logits not.
        const taught = teacher === undefined ? batch : yield* teacher.teach(batch, there)
        const found = teacher === undefined ? undefined : yield* trying(cache.read(space, keys))
        const computed = yield* withFeatures(
          features,
          found?.missing.length === 0 ? { ...taught, features: found.features } : taught
        )
        if (found?.missing.length === 0) return computed
        yield* trying(cache.write(space, keys, computed.features))
        return computed
      })
      let next = from
      const hits = Stream.unfold(from, (index) =>
        Effect.map(known(index), (batch) => {
          if (batch === undefined) return undefined
          next = index + 1
          return [batch, next] as const
        })
      )
      return Stream.concat(
        hits,
        Stream.suspend(() => Stream.mapEffect(images(next), compute))
      )
    })
  )
}
