import { Effect } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { ImageConfig } from "../pipeline/ImageConfig.ts"
import type { Sample } from "../pipeline/Sample.ts"
import type { Drawn } from "../pipeline/sampling.ts"
import { cacheUntilBroken } from "./cacheUntilBroken.ts"
import type { FeatureCacheError } from "./FeatureCache.ts"
import { FeatureCache } from "./FeatureCache.ts"
import type { FeaturesError, OpenFeatures } from "./Features.ts"
import type { FeatureSpace } from "./FeatureSpace.ts"
import { featureKey } from "./FeatureSpace.ts"
import type { PlacedTeacher } from "./placeTeachers.ts"
import { teacherView } from "./teacherView.ts"

/** A teacher in an engine. */
export interface OpenTeacher {
  readonly teacher: PlacedTeacher
  /** Gives its logits. */
  readonly opened: OpenFeatures
}

/** Adds teachers' logits to the batches of an epoch. */
export interface EpochTeacher {
  /** The logits for these samples, where the cache has all of them. */
  readonly known: (
    samples: ReadonlyArray<Drawn<Sample>>
  ) => Effect.Effect<NonNullable<Batch["teacher"]> | undefined, never, FeatureCache>
  /** A batch of images with the logits for them, which are cached; `samples` are the batch's. */
  readonly teach: (
    batch: Batch,
    samples: ReadonlyArray<Drawn<Sample>>
  ) => Effect.Effect<Batch, FeaturesError, FeatureCache>
}

/** Logits of the student's classes, in their order, of a column that a teacher has. */
const arranged = (logits: Float32Array, places: Int32Array, size: number): Float32Array => {
  const width = logits.length / size
  const own = new Float32Array(size * places.length)
  for (let row = 0; row < size; row++)
    for (const [c, place] of places.entries()) own[row * places.length + c] = elementAt(logits, row * width + place)
  return own
}

/**
 * The teachers of an epoch's batches. `spaces` are those of the epoch's views, one for each teacher; undefined where
 * nothing is cached. `image` is the student's.
 */
export const epochTeacher = ({
  image,
  onTrouble,
  spaces,
  teachers
}: {
  readonly teachers: ReadonlyArray<OpenTeacher>
  readonly image: ImageConfig
  readonly spaces: ReadonlyArray<FeatureSpace> | undefined
  readonly onTrouble: (error: FeatureCacheError) => Effect.Effect<void>
}): EpochTeacher => {
  const trying = cacheUntilBroken(onTrouble)
  const columns = teachers[0]?.teacher.places.length ?? 0
  const inColumns = (all: ReadonlyArray<Float32Array>, size: number) =>
    Array.from({ length: columns }, (_, column) =>
      teachers.flatMap(({ teacher: { places } }, index) => {
        const place = places[column]
        return place === undefined ? [] : [arranged(elementAt(all, index), place, size)]
      })
    )
  const keysOf = (space: FeatureSpace, samples: ReadonlyArray<Drawn<Sample>>) =>
    Effect.forEach(samples, ({ digest, id, repeat }) => featureKey(space, { image: digest, id, repeat }))
  return {
    known: Effect.fnUntraced(function* (samples) {
      if (spaces === undefined) return undefined
      const { read } = yield* FeatureCache
      const all: Array<Float32Array> = []
      for (const space of spaces) {
        const found = yield* trying(Effect.flatMap(keysOf(space, samples), (keys) => read(space, keys)))
        if (found === undefined || found.missing.length > 0) return undefined
        all.push(found.features)
      }
      return inColumns(all, samples.length)
    }),
    teach: Effect.fn("EpochTeacher.teach")(function* (batch, samples) {
      const { images, size } = batch
      const all = yield* Effect.forEach(teachers, ({ opened, teacher }) =>
        size === 0
          ? Effect.succeed(new Float32Array(0))
          : opened.run(teacherView(images, size, image, teacher.image), size)
      )
      const { write } = yield* FeatureCache
      for (const [index, space] of (spaces ?? []).entries())
        yield* trying(Effect.flatMap(keysOf(space, samples), (keys) => write(space, keys, elementAt(all, index))))
      return { ...batch, teacher: inColumns(all, size) }
    })
  }
}
