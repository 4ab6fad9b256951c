import { Effect, Schema, Stream } from "effect"
import * as Runtime from "effect/Runtime"
import { cooled } from "../metrics/calibration.ts"
import { topK } from "../metrics/topK.ts"
import { decodeModel } from "../model/Model.ts"
import { predictorOf } from "../model/Predictor.ts"
import type { FileBatch } from "../pipeline/batches.ts"
import type { ImagePath } from "../pipeline/ImageFiles.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import type { RunConfig } from "../RunConfig.ts"
import type { ThresholdRequest } from "./answerThreshold.ts"
import { answerThreshold } from "./answerThreshold.ts"
import type { PredictorName } from "./openPredictor.ts"
import { openPredictor } from "./openPredictor.ts"
import { RunFolder } from "./RunFolder.ts"

/** What a model says of one file; `error` where it could not be read. */
export type Prediction =
  | {
      readonly path: string
      /** The most probable class; null where its probability is below the threshold. */
      readonly label: string | null
      readonly abstained: boolean
      /** The most probable first; probabilities from 0 to 1. */
      readonly classes: ReadonlyArray<{ readonly label: string; readonly probability: number }>
    }
  | { readonly path: string; readonly error: string; readonly reason: string }

/** Files were named, and not one of them could be read. Exit code 3. */
export class NothingRead extends Schema.TaggedError<NothingRead>()("NothingRead", { refused: Schema.Natural }) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    return this.refused === 0
      ? "There is nothing to predict: no path was given."
      : `Not one image could be read; of ${this.refused} paths, each with its reason, nothing was predicted.`
  }
}

/** How files are predicted. */
export interface PredictOptions {
  /** How many classes for each image. */
  readonly top: number
  /** None: every file is answered. */
  readonly threshold?: ThresholdRequest | undefined
  /** The configured one where left out. */
  readonly engine?: PredictorName | undefined
}

/**
 * Opens a run's model for image files: the predictions come in the files' order, and nothing is left out.
 *
 * Paths are taken as they are needed: in memory are a few batches, however many files there are.
 */
export const predictFiles = Effect.fn("predictFiles")(function* (
  config: RunConfig,
  paths: Stream.Stream<ImagePath>,
  options: PredictOptions
) {
  const folder = yield* RunFolder
  const model = yield* decodeModel(yield* folder.read("model/model.safetensors"), folder.path)
  const temperature = model.calibration?.temperature ?? 1
  const threshold = options.threshold && (yield* answerThreshold(options.threshold, temperature))
  const { name, predictor } = yield* openPredictor(config.engine, model, options.engine ?? config.engine.name)
  const classes = model.labels.length
  const { predict } = predictorOf(predictor, config.evaluate, classes)

  const answer = (path: string, logits: Float32Array): Prediction => {
    const first = topK(logits, options.top).map(({ index, probability }) => ({
      label: model.labels[index]!, // as many labels as logits
      probability
    }))
    const best = first[0]!
    // Negated, so that an answer whose probability is no number is none.
    const abstained = threshold !== undefined && !(best.probability >= threshold.value)
    return { path, label: abstained ? null : best.label, abstained, classes: first }
  }

  const ofBatch = Effect.fnUntraced(function* ({ batch, files }: FileBatch) {
    const logits = batch.size === 0 ? new Float32Array(0) : cooled(yield* predict(batch), temperature)
    batch.release?.()
    let row = 0
    return files.map(({ path, refused }): Prediction => {
      if (refused !== undefined) return { path, error: refused.detail, reason: refused.reason }
      return answer(path, logits.subarray(row * classes, ++row * classes))
    })
  })
  const batches = Pipeline.fileBatches({ ...config, image: model.image }, paths)
  return {
    engine: name,
    /** The classes' names. */
    labels: model.labels,
    threshold,
    predictions: batches.pipe(Stream.mapEffect(ofBatch), Stream.flattenIterable)
  }
})
