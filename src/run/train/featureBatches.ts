import { Effect, Stream } from "effect"
import { cachedBatches } from "../../model/cachedBatches.ts"
import type { FeatureCacheError } from "../../model/FeatureCache.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import type { FeatureSource } from "../../model/FeatureSpace.ts"
import { featureSpace, weightsDigest } from "../../model/FeatureSpace.ts"
import { withFeatures } from "../../model/featureSession.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { Augment } from "../../pipeline/Augment.ts"
import { imageChanges } from "../../pipeline/AugmentConfig.ts"
import { Images } from "../../pipeline/Images.ts"
import type { Losses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import type { Drawn } from "../../pipeline/sampling.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { Machine } from "../Machine.ts"

/** A run's batches with the features by its frozen part, from the cache where it has them. */
export const featureBatches = Effect.fn("featureBatches")(function* (
  config: RunConfig,
  features: OpenFeatures,
  frozen: Frozen,
  losses: Losses
) {
  const { augment, image, seed, train } = config
  const { versions } = yield* Machine
  const { key: loaded } = yield* Images
  const { key: augmented } = yield* Augment
  const source = {
    blocks: frozen.blocks,
    input: frozen.input,
    weights: yield* weightsDigest(frozen),
    engine: features.key,
    image
  }
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
  const onTrouble = (error: FeatureCacheError) =>
    report({ _tag: "Note", line: `${error.message}. The run goes on without it.` })

  const batches = (
    samples: ReadonlyArray<Drawn<Sample>>,
    view: FeatureSource["view"],
    from: number,
    images: (from: number) => ReturnType<typeof Pipeline.evaluationBatches>
  ) => {
    const stages = stagesOf(view)
    return config.features.cache && stages !== undefined && !(isMixed && view !== "plain")
      ? Stream.unwrap(
          Effect.map(featureSpace({ ...source, view, versions: { ...versions, ...stages } }), (space) =>
            cachedBatches({
              ...image,
              space,
              features,
              samples,
              losses,
              batchSize: train.batchSize,
              from,
              images,
              onTrouble
            })
          )
        )
      : Stream.mapEffect(images(from), (batch) => withFeatures(features, batch))
  }

  return {
    training: (samples: ReadonlyArray<Sample>, epoch: number, from: number) =>
      batches(
        Pipeline.epochSamples(config, samples, epoch),
        plain && !isMixed ? "plain" : { augment: changes, seed, epoch },
        from,
        (from) => Pipeline.trainingBatches(config, samples, losses, epoch, from)
      ),
    evaluation: (samples: ReadonlyArray<Sample>) =>
      batches(samples, "plain", 0, (from) => Pipeline.evaluationBatches(config, samples, losses, from))
  }
})
