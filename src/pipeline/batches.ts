import { Effect, Result, Semaphore, Stream } from "effect"
import { Augment } from "./Augment.ts"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { Batch } from "./Batch.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { ImageRefused } from "./Images.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import { normaliseInto, scaleOf } from "./normalise.ts"
import type { Pixels } from "./Pixels.ts"
import type { Sample } from "./Sample.ts"

/** What a stream of batches is made of. */
export interface BatchesOptions {
  readonly samples: ReadonlyArray<Sample>
  /** Indices into `samples`, in the epoch's order; one after the other where undefined. */
  readonly order: Uint32Array | undefined
  readonly batchSize: number
  readonly image: ImageConfig
  /** Undefined for evaluation: the images as they are. */
  readonly augment: AugmentConfig | undefined
  readonly loader: LoaderConfig
  readonly seed: number
  readonly epoch: number
  /** The batch to begin with: batches that a run has behind it are not made again. */
  readonly from: number
}

/** Files that belong to no catalogue, in batches. */
export interface FileBatchesOptions {
  readonly paths: ReadonlyArray<string>
  readonly batchSize: number
  readonly image: ImageConfig
  readonly loader: LoaderConfig
}

/** One batch of files: what could be read, and what could not. */
export interface FileBatch {
  /** Of `size` 0 where every file was refused. Its ids are the paths, its labels are all 0. */
  readonly batch: Batch
  readonly refused: ReadonlyArray<ImageRefused>
}

type Slot = Pick<Sample, "id" | "label" | "path">

/**
 * Batches of slots, made ready ahead of who takes them: `loader.prefetch` batches, `loader.concurrency` images at a time
 * over all of them, the first batch first. Each image is written to its own place, so that the order in which the files
 * come in changes nothing.
 */
const assemble = <R>(
  options: Pick<BatchesOptions, "batchSize" | "image" | "loader" | "from">,
  count: number,
  slotAt: (index: number) => Slot,
  pixelsOf: (slot: Slot) => Effect.Effect<Pixels, ImageRefused, R>
): Stream.Stream<FileBatch, never, R> => {
  const { height, width } = options.image
  const area = height * width * 3
  const scale = scaleOf(options.image)
  const inFlight = Semaphore.makeUnsafe(options.loader.concurrency)

  const batchAt = Effect.fn("batches.batch")(function* (index: number) {
    const start = index * options.batchSize
    const slots = Array.from({ length: Math.min(options.batchSize, count - start) }, (_, i) => slotAt(start + i))
    const images = new Float32Array(slots.length * area)
    const results = yield* Effect.forEach(
      slots,
      (slot, i) =>
        pixelsOf(slot).pipe(
          Effect.map((pixels) => normaliseInto(images, i * area, pixels.data, scale)),
          Effect.result,
          Semaphore.withPermit(inFlight)
        ),
      { concurrency: "unbounded" }
    )
    const kept = results.flatMap((result, i) => (Result.isSuccess(result) ? [i] : []))
    const refused = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
    // Those that were refused leave a gap, which the later ones close.
    for (const [to, from] of kept.entries())
      if (to !== from) images.copyWithin(to * area, from * area, (from + 1) * area)
    const batch: Batch = {
      index,
      images: refused.length === 0 ? images : images.slice(0, kept.length * area),
      labels: Int32Array.from(kept, (i) => slots[i]?.label ?? 0),
      ids: kept.map((i) => slots[i]?.id ?? ""),
      size: kept.length,
      height,
      width
    }
    return { batch, refused }
  })

  const batches = Math.ceil(count / options.batchSize)
  if (options.from >= batches) return Stream.empty
  return Stream.range(options.from, batches - 1).pipe(
    // One at a time, for `mapEffect` would else take a whole array of numbers before it gives the first batch.
    Stream.rechunk(1),
    // In order; one more than are kept ready, so that there is always one in the making.
    Stream.mapEffect((index) => batchAt(index), { concurrency: options.loader.prefetch + 1 })
  )
}

/**
 * The epoch's batches in order, the last one perhaps short; the bytes depend on the options and the files alone, not on
 * `loader`. A file that cannot be read any more fails the stream, after the batches before it.
 */
export const batches = (options: BatchesOptions): Stream.Stream<Batch, ImageRefused, Images | Augment> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const images = yield* Images
      const augment = yield* Augment
      const { augment: changes, epoch, image, order, samples, seed } = options
      const slotAt = (index: number): Slot => {
        // The order is a permutation of the samples' indices, so that the sample is there.
        return samples[order?.[index] ?? index] as Sample
      }
      const pixelsOf = (slot: Slot) =>
        changes === undefined
          ? images.load(slot.path, image)
          : Effect.flatMap(images.load(slot.path, image), (pixels) =>
              augment.apply(pixels, changes, { seed, epoch, id: slot.id }, image.background)
            )
      return assemble(options, order?.length ?? samples.length, slotAt, pixelsOf).pipe(
        Stream.mapEffect(({ batch, refused }) => (refused[0] ? Effect.fail(refused[0]) : Effect.succeed(batch)))
      )
    })
  )

/** Batches of any files, in their order; what cannot be read is reported beside the batch that it is missing from. */
export const batchesOfFiles = (options: FileBatchesOptions): Stream.Stream<FileBatch, never, Images> =>
  Stream.unwrap(
    Effect.map(Images, (images) => {
      const slotAt = (index: number): Slot => {
        const path = options.paths[index] ?? ""
        return { id: path, label: 0, path }
      }
      return assemble({ ...options, from: 0 }, options.paths.length, slotAt, (slot) =>
        images.load(slot.path, options.image)
      )
    })
  )
