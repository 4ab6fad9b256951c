import { Effect, Stream } from "effect"
import { cachedBatches } from "../../model/cachedBatches.ts"
import type { OpenTeacher } from "../../model/EpochTeacher.ts"
import { epochTeacher } from "../../model/EpochTeacher.ts"
import type { FeatureCacheError } from "../../model/FeatureCache.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import type { FeatureSource } from "../../model/FeatureSpace.ts"
import { featureSpace, weightsDigest } from "../../model/FeatureSpace.ts"
import { withFeatures } from "../../model/featureSession.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { Augment } from "../../pipeline/Augment.ts"
import { imageChanges } from "../../pipeline/AugmentConfig.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import { Images } from "../../pipeline/Images.ts"
import type { Losses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import type { Drawn } from "../../pipeline/sampling.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { Machine } from "../Machine.ts"

/** Where the results of a run's frozen part and of its teachers are cached, by the views that they are of. */
const viewSpaces = Effect.fn("viewSpaces")(function* ({ augment, features, image, seed }: RunConfig) {
  const { versions } = yield* Machine
  const { key: loaded } = yield* Images
  const { key: augmented } = yield* Augment
  /**
   * The keys of the stages that make a view's images; undefined where a stage has no key: its results are not cached.
   */
  const stagesOf = (view: FeatureSource["view"]): Readonly<Record<string, string>> | undefined => {
    if (loaded === undefined) return undefined
    if (view === "plain") return { images: loaded }
    return augmented === undefined ? undefined : { images: loaded, augment: augmented }
  }
  const { cutmix, mixup } = augment
  const changes = imageChanges(augment)
  const plain = Object.values(changes).every((amount) => amount === 0)
  // A mixed image depends on two samples, which one sample's key cannot express.
  const isMixed = mixup > 0 || cutmix > 0
  return {
    /** The view of an epoch's training images. */
    trainingView: (epoch: number): FeatureSource["view"] =>
      plain && !isMixed ? "plain" : { augment: changes, seed, epoch },
    /** The space of a view; undefined where it is not cached. */
    spaceOf: Effect.fnUntraced(function* (
      source: Omit<FeatureSource, "image" | "versions" | "view">,
      view: FeatureSource["view"]
    ) {
      const stages = stagesOf(view)
      if (!features.cache || stages === undefined || (isMixed && view !== "plain")) return undefined
      return yield* featureSpace({ ...source, image, view, versions: { ...versions, ...stages } })
    })
  }
})

const onTrouble = (error: FeatureCacheError) =>
  report({ _tag: "Note", line: `${error.message}. The run goes on without it.` })

/** The teachers of a run, epoch by epoch, with the cache of their logits. */
export const runTeacher = Effect.fn("runTeacher")(function* (config: RunConfig, teachers: ReadonlyArray<OpenTeacher>) {
  const { image } = config
  const { spaceOf, trainingView } = yield* viewSpaces(config)
  return {
    /** The teachers of an epoch (from 0). */
    ofEpoch: Effect.fnUntraced(function* (epoch: number) {
      const spaces = yield* Effect.forEach(teachers, ({ opened, teacher: { digest, frozen, image: seenAs } }) =>
        spaceOf(
          { blocks: frozen.blocks, input: frozen.input, weights: digest, engine: opened.key, seenAs },
          trainingView(epoch)
        )
      )
      const known = spaces.flatMap((space) => (space === undefined ? [] : [space]))
      return epochTeacher({ teachers, image, spaces: known.length === spaces.length ? known : undefined, onTrouble })
    })
  }
})
export type RunTeacher = Effect.Success<ReturnType<typeof runTeacher>>

/** An epoch's batches of images with the logits of the teachers for them; `samples` are the epoch's, in its order. */
export const taughtBatches = <E, R>(
  { ofEpoch }: RunTeacher,
  samples: ReadonlyArray<Drawn<Sample>>,
  batchSize: number,
  epoch: number,
  images: Stream.Stream<Batch, E, R>
) =>
  Stream.unwrap(
    Effect.map(ofEpoch(epoch), ({ known, teach }) =>
      Stream.mapEffect(
        images,
        Effect.fnUntraced(function* (batch) {
          const ids = new Set(batch.ids)
          const there = samples
            .slice(batch.index * batchSize, (batch.index + 1) * batchSize)
            .filter(({ id }) => ids.has(id))
          const teacher = yield* known(there)
          return teacher === undefined ? yield* teach(batch, there) : { ...batch, teacher }
        })
      )
    )
  )

/** A run's batches with the features by its frozen part, from the cache where it has them. */
export const featureBatches = Effect.fn("featureBatches")(function* (
  config: RunConfig,
  features: OpenFeatures,
  frozen: Frozen,
  losses: Losses,
  teacher?: RunTeacher
) {
  const { image, train } = config
  const { spaceOf, trainingView } = yield* viewSpaces(config)
  const { blocks, input } = frozen
  const source = { blocks, input, weights: yield* weightsDigest(frozen), engine: features.key }

  const batches = (
    samples: ReadonlyArray<Drawn<Sample>>,
    view: FeatureSource["view"],
    from: number,
    images: (from: number) => ReturnType<typeof Pipeline.evaluationBatches>,
    taughtIn?: number
  ) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const space = yield* spaceOf(source, view)
        if (space === undefined) {
          const all =
            teacher === undefined || taughtIn === undefined
              ? images(from)
              : taughtBatches(teacher, samples, train.batchSize, taughtIn, images(from))
          return Stream.mapEffect(all, (batch) => withFeatures(features, batch))
        }
        return cachedBatches({
          ...image,
          space,
          features,
          samples,
          losses,
          batchSize: train.batchSize,
          from,
          images,
          teacher: taughtIn === undefined ? undefined : yield* teacher?.ofEpoch(taughtIn) ?? Effect.succeed(undefined),
          onTrouble
        })
      })
    )

  return {
    training: (samples: ReadonlyArray<Sample>, epoch: number, from: number) =>
      batches(
        Pipeline.epochSamples(config, samples, epoch),
        trainingView(epoch),
        from,
        (from) => Pipeline.trainingBatches(config, samples, losses, epoch, from),
        epoch
      ),
    evaluation: (samples: ReadonlyArray<Sample>) =>
      batches(samples, "plain", 0, (from) => Pipeline.evaluationBatches(config, samples, losses, from))
  }
})
