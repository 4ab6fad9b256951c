import { Effect } from "effect"
import type { Stream } from "effect"
import type { Engine } from "../../model/Engine.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import type { Frozen } from "../../model/onnx/onnxModel.ts"
import { rememberFeatures } from "../../model/rememberFeatures.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { featureBatches } from "./featureBatches.ts"
import { openFeatures } from "./openFeatures.ts"
import type { RunEngine } from "./RunEngine.ts"

/** The parts of a catalogue that are measured. */
type Measured = "validation" | "test"

/**
 * The batches that learners with the same frozen part learn from and are measured on; those of images where no part is
 * frozen for the whole run. The frozen part is applied by `Features`, whose results are kept.
 */
export const openBatches = Effect.fn("openBatches")(function* (
  engine: Engine["Service"],
  config: RunConfig,
  dataset: Dataset,
  frozen: Frozen | undefined,
  by: RunEngine["features"] = config.features.engine
) {
  const losses = makeLosses(dataset, config.data)
  const images = (part: Measured) => Pipeline.evaluationBatches(config, dataset[part], losses)
  if (frozen === undefined)
    return {
      features: undefined,
      losses,
      training: (epoch: number, from: number) => Pipeline.trainingBatches(config, dataset.train, losses, epoch, from),
      evaluation: images,
      images
    }
  const features: OpenFeatures = rememberFeatures(
    yield* openFeatures(engine, { ...config.features, engine: by }, frozen)
  )
  const batches = yield* featureBatches(config, features, frozen, losses)
  return {
    features,
    /** The samples that have left: one for all who are given these batches. */
    losses,
    training: (epoch: number, from: number) => batches.training(dataset.train, epoch, from),
    evaluation: (part: Measured) => batches.evaluation(dataset[part]),
    /** For who looks at an image more than once. */
    images
  }
})
export type OpenBatches = Effect.Success<ReturnType<typeof openBatches>>
/** What a stream of theirs fails with. */
export type BatchesError = Stream.Error<ReturnType<OpenBatches["evaluation"]>>
