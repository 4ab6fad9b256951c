import { Effect, Result, Semaphore, Stream } from "effect"
import { Augment } from "./Augment.ts"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { Batch } from "./Batch.ts"
import type { FeedFailed, FeedWork } from "./Feed.ts"
import { Feed } from "./Feed.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { ImageRefused } from "./Images.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import { mix } from "./mix.ts"
import type { ImagePath, PathRefused } from "./ImageFiles.ts"
import { normaliseInto, scaleOf } from "./normalise.ts"
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
  readonly paths: Stream.Stream<ImagePath>
  readonly batchSize: number
  readonly image: ImageConfig
  readonly loader: LoaderConfig
}

/** One batch of files: what could be read, and what could not. */
export interface FileBatch {
  /** The images of the files that were not refused, in the files' order; of `size` 0 where all were. Its labels are all 0. */
  readonly batch: Batch
  /** All files, in their order. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly refused: ImageRefused | PathRefused | undefined }>
}

type Slot = Pick<Sample, "id" | "label" | "path">

type Work = Omit<FeedWork, "slots">

/** The stages that a batch goes through; undefined where nothing is to be augmented. */
interface Stages {
  readonly images: Images["Service"]
  readonly augment: Augment["Service"] | undefined
}

/** Image by image on this thread, `loader.concurrency` at a time over all batches, the first batch first. */
const fillHere = (work: Work, { augment, images }: Stages) => {
  const { augment: changes, epoch, image, loader, seed } = work
  const area = image.height * image.width * 3
  const scale = scaleOf(image)
  const inFlight = Semaphore.makeUnsafe(loader.concurrency)
  const pixelsOf = ({ id, path }: Slot) =>
    changes === undefined || augment === undefined
      ? images.load(path, image)
      : Effect.flatMap(images.load(path, image), (pixels) =>
          augment.apply(pixels, changes, { seed, epoch, id }, image.background)
        )
  return Effect.fnUntraced(function* (slots: ReadonlyArray<Slot>) {
    const filled = new Float32Array(slots.length * area)
    const results = yield* Effect.forEach(
      slots,
      (slot, i) =>
        pixelsOf(slot).pipe(
          // Each to its own place, so that the order in which the files come in changes nothing.
          Effect.map((pixels) => normaliseInto(filled, i * area, pixels.data, scale)),
          Effect.result,
          Semaphore.withPermit(inFlight)
        ),
      { concurrency: "unbounded" }
    )
    const refused = results.flatMap((result, slot) =>
      Result.isFailure(result) ? [{ slot, error: result.failure }] : []
    )
    return { images: filled, refused, release: undefined }
  })
}

/** How a batch is filled: by the feed, where there is one for just these stages. */
const filler = (work: Work, stages: Stages) =>
  Effect.map(Feed, (feed) =>
    feed?.images === stages.images && (stages.augment === undefined || feed.augment === stages.augment)
      ? (slots: ReadonlyArray<Slot>) => feed.serve({ ...work, slots })
      : fillHere(work, stages)
  )

/** The slots of one batch, and its position in the epoch. */
interface Wanted {
  readonly index: number
  readonly slots: ReadonlyArray<Slot>
}

/** Batches of slots, made ready ahead of who takes them: `loader.prefetch` of them, and the wanted ones beside them. */
const assemble = <W extends Wanted, E, R>(work: Work, stages: Stages, wanted: Stream.Stream<W, E, R>) => {
  const { height, width } = work.image
  const area = height * width * 3
  const batchesWith = (fill: Effect.Success<ReturnType<typeof filler>>) => {
    const batchOf = Effect.fn("batches.batch")(function* (wanted: W) {
      const { index, slots } = wanted
      const { images, refused, release } =
        slots.length === 0 ? { images: new Float32Array(0), refused: [], release: undefined } : yield* fill(slots)
      const gone = new Set(refused.map(({ slot }) => slot))
      const kept = slots.flatMap((_, i) => (gone.has(i) ? [] : [i]))
      // Those that were refused leave a gap, which the later ones close.
      for (const [to, from] of kept.entries())
        if (to !== from) images.copyWithin(to * area, from * area, (from + 1) * area)
      const batch: Batch = {
        index,
        images: images.subarray(0, kept.length * area),
        labels: Int32Array.from(kept, (i) => slots[i]?.label ?? 0),
        ids: kept.map((i) => slots[i]?.id ?? ""),
        size: kept.length,
        height,
        width,
        ...(release && { release })
      }
      return { wanted, batch, refused }
    })
    return wanted.pipe(
      // In order; one more than are kept ready, so that there is always one in the making.
      Stream.mapEffect((one) => batchOf(one), { concurrency: work.loader.prefetch + 1 })
    )
  }
  return Stream.unwrap(Effect.map(filler(work, stages), batchesWith))
}

/**
 * The epoch's batches in order, the last one perhaps short; the bytes depend on the options and the files alone, not on
 * `loader`. A file that cannot be read any more fails the stream, after the batches before it.
 */
export const batches = (options: BatchesOptions): Stream.Stream<Batch, ImageRefused | FeedFailed, Images | Augment> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const stages = { images: yield* Images, augment: yield* Augment }
      const { batchSize, from, order, samples } = options
      const count = order?.length ?? samples.length
      const last = Math.ceil(count / batchSize) - 1
      // The order is a permutation of the samples' indices, so that the sample is there.
      const slotAt = (index: number) => samples[order?.[index] ?? index] as Sample
      const wanted = Stream.range(from, last).pipe(
        // One at a time, for `mapEffect` would else take a whole array of numbers before it gives the first batch.
        Stream.rechunk(1),
        Stream.map((index) => {
          const start = index * batchSize
          return {
            index,
            slots: Array.from({ length: Math.min(batchSize, count - start) }, (_, i) => slotAt(start + i))
          }
        })
      )
      return assemble(options, stages, from > last ? Stream.empty : wanted).pipe(
        Stream.mapEffect(({ batch, refused }) => (refused[0] ? Effect.fail(refused[0].error) : Effect.succeed(batch))),
        Stream.map((batch) => (options.augment === undefined ? batch : mix(batch, options.augment, options)))
      )
    })
  )

/**
 * Batches of any files, in their order, each with what cannot be read and why; the paths are taken as they are needed.
 */
export const batchesOfFiles = (options: FileBatchesOptions): Stream.Stream<FileBatch, FeedFailed, Images> =>
  Stream.unwrap(
    Effect.map(Images, (images) => {
      const { batchSize, image, loader, paths } = options
      const wanted = paths.pipe(
        Stream.grouped(batchSize),
        Stream.rechunk(1),
        Stream.map((listed, index) => ({
          index,
          listed,
          slots: listed.flatMap((one) =>
            Result.isSuccess(one) ? [{ id: one.success, label: 0, path: one.success }] : []
          )
        }))
      )
      const work = { image, loader, augment: undefined, seed: 0, epoch: 0 }
      return assemble(work, { images, augment: undefined }, wanted).pipe(
        Stream.map(({ batch, refused, wanted }) => {
          const errors = new Map(refused.map(({ error, slot }) => [slot, error]))
          let slot = 0
          return {
            batch,
            files: wanted.listed.map((one) =>
              Result.isSuccess(one)
                ? { path: one.success, refused: errors.get(slot++) }
                : { path: one.failure.path, refused: one.failure }
            )
          }
        })
      )
    })
  )
