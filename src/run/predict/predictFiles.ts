import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect, Schema, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Runtime from "effect/Runtime"
import { topK } from "../../metrics/topK.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { FileBatch } from "../../pipeline/batches.ts"
import type { ImagePath } from "../../pipeline/ImageFiles.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { ThresholdRequest } from "./answerThreshold.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import { embedBatch, openEmbedding } from "../similar/embed.ts"
import { answerThreshold } from "./answerThreshold.ts"
import { openEnsemble } from "../evaluate/openEnsemble.ts"
import type { PredictorName } from "./openPredictor.ts"
import { openPredictor } from "./openPredictor.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"
import { readEnsemble } from "../evaluate/readEnsemble.ts"

/** The prediction for one file, of one model or of several together; `error` where the file could not be read. */
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
      ? "There is nothing to predict: name an image file, a folder or a pattern."
      : `No image could be read: see the reason of each of the ${this.refused} paths.`
  }
}

/** How files are predicted. */
export interface PredictOptions {
  /** How many classes for each image. */
  readonly top: number
  /** Undefined: every file is answered. */
  readonly threshold?: ThresholdRequest | undefined
  /** The engine; the configured one where left out. */
  readonly engine?: PredictorName | undefined
  /** Takes the features of each image that was read, in the files' order: what the run's model gives its head. */
  readonly embeddings?: ((path: string, features: Float32Array) => Effect.Effect<void>) | undefined
}

/**
 * Opens runs' models as one classifier of image files: the mean of their probabilities, each by its own configuration.
 * There is a prediction or an error for each file, in the files' order.
 *
 * Paths are taken as they are needed: in memory are a few batches, however many files there are.
 */
export const predictFiles = Effect.fn("predictFiles")(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  paths: Stream.Stream<ImagePath>,
  options: PredictOptions
) {
  const ensemble = yield* readEnsemble(runs)
  const { config, images, labels } = ensemble
  const threshold = options.threshold && (yield* answerThreshold(options.threshold, ensemble.members))
  const members = yield* openEnsemble(ensemble, (config, model) =>
    openPredictor(config, model, options.engine ?? config.name)
  )
  const classes = labels.length
  const { embeddings } = options
  const [first, ...others] = ensemble.members
  if (embeddings !== undefined && others.length > 0)
    return yield* new ConfigError({
      where: "--embeddings",
      problems: ["several runs have features of their own each: name one run"]
    })
  const embedding = embeddings === undefined ? undefined : yield* openEmbedding(first.model)

  const answer = (path: string, logits: Float32Array): Prediction => {
    const first = topK(logits, options.top).map(({ index, probability }) => ({
      label: elementAt(labels, index),
      probability
    }))
    const best = elementAt(first, 0)
    // Negated, so that an answer whose probability is NaN is withheld.
    const abstained = threshold !== undefined && !(best.probability >= threshold.value)
    return { path, label: abstained ? null : best.label, abstained, classes: first }
  }

  const together = (forms: ReadonlyArray<Batch>) =>
    Effect.map(
      Effect.forEach(members, ({ predict }) => Effect.map(predict(forms), ({ after }) => after)),
      (logits) => logMeanSoftmax(logits, classes)
    )

  const ofBatch = Effect.fnUntraced(function* ({ files, forms }: FileBatch) {
    const [batch] = forms
    const logits = batch?.size === 0 ? new Float32Array(0) : yield* together(forms)
    if (embedding !== undefined && embeddings !== undefined && batch !== undefined) {
      const features = yield* embedBatch(embedding, batch)
      let at = 0
      for (const { path, refused } of files)
        if (refused === undefined) yield* embeddings(path, features.subarray(at, (at += embedding.length)))
    }
    for (const { release } of forms) release?.()
    let row = 0
    return files.map(({ path, refused }): Prediction => {
      if (refused !== undefined) return { path, error: refused.detail, reason: refused.reason }
      return answer(path, logits.subarray(row * classes, ++row * classes))
    })
  })
  const batches = Pipeline.fileBatches(config, images, paths)
  return {
    /** The engines that apply the models. */
    engine: [...new Set(members.map(({ engine }) => engine))].join(", "),
    /** The classes' names. */
    labels,
    threshold,
    predictions: batches.pipe(Stream.mapEffect(ofBatch), Stream.flattenIterable)
  }
})
