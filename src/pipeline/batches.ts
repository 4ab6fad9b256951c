import { elementAt } from "./elementAt.ts"
import { Effect, Result, Semaphore, Stream } from "effect"
import { Augment } from "./Augment.ts"
import type { AugmentConfig } from "./AugmentConfig.ts"
import type { Batch } from "./Batch.ts"
import { batchLabels } from "./batchLabels.ts"
import type { DataUnusable } from "./DataUnusable.ts"
import type { FeedFailed, FeedWork } from "./Feed.ts"
import { Feed } from "./Feed.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { Expected, ImageRefused } from "./Images.ts"
import type { LabelColumn } from "./LabelColumn.ts"
import { lostOf, missed } from "./Losses.ts"
import type { Losses } from "./Losses.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import { mix } from "./mix.ts"
import type { ImagePath, PathRefused } from "./ImageFiles.ts"
import { normaliseInto, scaleOf } from "./normalise.ts"
import type { Sample } from "./Sample.ts"
import type { Drawn } from "./sampling.ts"

/** The inputs of a stream of batches. */
export interface BatchesOptions {
  readonly samples: ReadonlyArray<Drawn<Sample>>
  /** The label columns of the samples; absent where it is one with one value. */
  readonly columns?: ReadonlyArray<LabelColumn> | undefined
  /** Indices into `samples`, in the epoch's order; one after the other where undefined. */
  readonly order: Uint32Array | undefined
  readonly batchSize: number
  readonly image: ImageConfig
  /** Undefined for evaluation: the images as they are. */
  readonly augment: AugmentConfig | undefined
  readonly loader: LoaderConfig
  readonly seed: number
  readonly epoch: number
  /** The batch to begin with: batches that a run has done are not made again. */
  readonly from: number
  /** Counts samples whose image cannot be read any more; where left out, the first one fails the stream. */
  readonly losses?: Losses | undefined
}

/** Batches for several networks, in each network's form. */
export interface FormsOptions extends Omit<BatchesOptions, "image"> {
  /** The forms, one at least: every batch is made once in each. */
  readonly images: ReadonlyArray<ImageConfig>
}

/** Files that belong to no catalogue, in batches. */
export interface FileBatchesOptions {
  readonly paths: Stream.Stream<ImagePath>
  readonly batchSize: number
  /** As `FormsOptions` has them. */
  readonly images: ReadonlyArray<ImageConfig>
  readonly loader: LoaderConfig
}

/** One batch of files: what could be read, and what could not. */
export interface FileBatch {
  /**
   * The images of the files that were refused in no form, in the files' order, once in each form; of `size` 0 where all
   * were refused. Their labels are all 0.
   */
  readonly forms: ReadonlyArray<Batch>
  /** All files, in their order. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly refused: ImageRefused | PathRefused | undefined }>
}

type Slot = Drawn<Pick<Sample, "id" | "label" | "labels" | "path" | "softened"> & Expected>

type Work = Omit<FeedWork, "slots" | "image"> & Pick<BatchesOptions, "columns">

/** The stages that a batch goes through; undefined where nothing is to be augmented. */
interface Stages {
  readonly images: Images["Service"]
  readonly augment: Augment["Service"] | undefined
}

/** Image by image on this thread, `loader.concurrency` at a time over all batches, the first batch first. */
const fillHere = (work: Work, { augment, images }: Stages) => {
  const { augment: changes, epoch, loader, seed } = work
  const inFlight = Semaphore.makeUnsafe(loader.concurrency)
  const pixelsOf = (slot: Slot, image: ImageConfig) => {
    const { id, path, repeat } = slot
    return changes === undefined || augment === undefined
      ? images.load(path, image, slot)
      : Effect.flatMap(images.load(path, image, slot), (pixels) =>
          augment.apply(pixels, changes, { seed, epoch, id, repeat }, image.background)
        )
  }
  return Effect.fnUntraced(function* (slots: ReadonlyArray<Slot>, image: ImageConfig) {
    const area = image.height * image.width * 3
    const scale = scaleOf(image)
    const filled = new Float32Array(slots.length * area)
    const results = yield* Effect.forEach(
      slots,
      (slot, i) =>
        pixelsOf(slot, image).pipe(
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

/** How a batch is filled: by the feed, where it does the work of these stages. */
const filler = (work: Work, stages: Stages) =>
  Effect.map(Feed, (feed) =>
    feed !== undefined &&
    feed.images === stages.images.key &&
    (stages.augment === undefined || feed.augment === stages.augment.key)
      ? (slots: ReadonlyArray<Slot>, image: ImageConfig) => feed.serve({ ...work, image, slots }, stages.images.bytes)
      : fillHere(work, stages)
  )

/** The slots of one batch, and its position in the epoch. */
interface Wanted {
  readonly index: number
  readonly slots: ReadonlyArray<Slot>
}

/** The images of no slot. */
const nothing = { images: new Float32Array(0), refused: [], release: undefined }

/**
 * Batches of slots in several forms, prepared ahead: `loader.prefetch` of them beside the wanted one. An image that is
 * refused in one form is in none, so that a batch has the same images in all forms.
 */
const assemble = <W extends Wanted, E, R>(
  work: Work,
  forms: ReadonlyArray<ImageConfig>,
  stages: Stages,
  wanted: Stream.Stream<W, E, R>
) => {
  const batchesWith = (fill: Effect.Success<ReturnType<typeof filler>>) => {
    const batchOf = Effect.fn("batches.batch")(function* (wanted: W) {
      const { index, slots } = wanted
      const inForm = Effect.fnUntraced(function* (image: ImageConfig) {
        return { image, ...(slots.length === 0 ? nothing : yield* fill(slots, image)) }
      })
      const filled = yield* Effect.forEach(forms, inForm, { concurrency: "unbounded" })
      // In the slots' order; where a slot has several reasons, the first form's wins, because it is set last.
      const faults = filled.flatMap(({ refused }) => refused).toReversed()
      const refused = new Map(faults.sort((a, b) => a.slot - b.slot).map(({ error, slot }) => [slot, error]))
      const kept = slots.flatMap((_, i) => (refused.has(i) ? [] : [i]))
      const there = kept.map((i) => elementAt(slots, i))
      const batches = filled.map(({ image: { height, width }, images, release }): Batch => {
        const area = height * width * 3
        // Refused images leave gaps, which the later images close.
        for (const [to, from] of kept.entries())
          if (to !== from) images.copyWithin(to * area, from * area, (from + 1) * area)
        return {
          index,
          images: images.subarray(0, kept.length * area),
          ...batchLabels(work.columns, there),
          ids: there.map(({ id }) => id),
          size: kept.length,
          height,
          width,
          ...(release && { release })
        }
      })
      return { wanted, forms: batches, refused }
    })
    return wanted.pipe(
      // In order; one more than are kept ready, so that one is always being made.
      Stream.mapEffect((one) => batchOf(one), { concurrency: work.loader.prefetch + 1 })
    )
  }
  return Stream.unwrap(Effect.map(filler(work, stages), batchesWith))
}

/**
 * The epoch's batches in order, the last one perhaps short, each in every form; the bytes depend on the options and the
 * files alone, not on `loader`.
 *
 * A sample whose file cannot be read any more, or is another one, keeps its place in the order and is missing in its
 * batch: the other batches are what they would be. The stream fails where `losses` says so, after the batches before.
 */
export const batchForms = (
  options: FormsOptions
): Stream.Stream<ReadonlyArray<Batch>, ImageRefused | DataUnusable | FeedFailed, Images | Augment> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const stages = { images: yield* Images, augment: yield* Augment }
      const { batchSize, from, images: forms, losses, order, samples } = options
      const count = order?.length ?? samples.length
      const last = Math.ceil(count / batchSize) - 1
      // The order has indices of samples alone, so that the sample is there.
      const slotAt = (index: number) => samples[order?.[index] ?? index] as Drawn<Sample>
      const wanted = Stream.range(from, last).pipe(
        // Rechunked to one number each: `mapEffect` would otherwise take a whole array of numbers before it gives the
        // first batch.
        Stream.rechunk(1),
        Stream.map((index) => {
          const start = index * batchSize
          const listed = Array.from({ length: Math.min(batchSize, count - start) }, (_, i) => slotAt(start + i))
          // A file that is back is not read: the sample has left for good.
          const slots = losses === undefined ? listed : listed.filter(({ id }) => losses.of(id) === undefined)
          return { index, listed, slots }
        })
      )
      return assemble(options, forms, stages, from > last ? Stream.empty : wanted).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ forms, refused, wanted: { listed, slots } }) {
            if (losses === undefined) {
              const [error] = refused.values()
              return error === undefined ? forms : yield* error
            }
            // A batch has the refused slots that it was made of.
            yield* losses.add(Array.from(refused, ([slot, error]) => missed(elementAt(slots, slot).id, error)))
            const lost = lostOf(listed, losses)
            return lost.length === 0 ? forms : forms.map((batch) => ({ ...batch, lost }))
          })
        ),
        Stream.map((forms) => {
          const { augment } = options
          return augment === undefined ? forms : forms.map((batch) => mix(batch, augment, options))
        })
      )
    })
  )

/** The batches in one form; see `batchForms`. */
export const batches = ({ image, ...options }: BatchesOptions) =>
  Stream.map(batchForms({ ...options, images: [image] }), (forms) => elementAt(forms, 0)) // one form, one batch

/**
 * Batches of any files, in their order, each with the files that cannot be read and why; paths are taken as they are
 * needed.
 */
export const batchesOfFiles = (options: FileBatchesOptions): Stream.Stream<FileBatch, FeedFailed, Images> =>
  Stream.unwrap(
    Effect.map(Images, (images) => {
      const { batchSize, images: forms, loader, paths } = options
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
      const work = { loader, augment: undefined, seed: 0, epoch: 0 }
      return assemble(work, forms, { images, augment: undefined }, wanted).pipe(
        Stream.map(({ forms, refused, wanted }) => {
          let slot = 0
          return {
            forms,
            files: wanted.listed.map((one) =>
              Result.isSuccess(one)
                ? { path: one.success, refused: refused.get(slot++) }
                : { path: one.failure.path, refused: one.failure }
            )
          }
        })
      )
    })
  )
