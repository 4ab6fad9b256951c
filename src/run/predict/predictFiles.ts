import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect, Schema, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Runtime from "effect/Runtime"
import { answersOf } from "../../model/answer.ts"
import type { ColumnAnswer, OneAnswer, UnseenPair } from "../../model/answer.ts"
import { meanPrediction } from "../../model/Predictor.ts"
import type { Batch } from "../../pipeline/Batch.ts"
import type { FileBatch } from "../../pipeline/batches.ts"
import type { ImagePath } from "../../pipeline/ImageFiles.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { ThresholdRequest } from "./answerThreshold.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import { embedBatch, openEmbedding } from "../similar/embed.ts"
import { answerThresholds } from "./answerThreshold.ts"
import { openEnsemble } from "../evaluate/openEnsemble.ts"
import type { PredictorName } from "./openPredictor.ts"
import { openPredictor } from "./openPredictor.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"
import { readEnsemble } from "../evaluate/readEnsemble.ts"

/** The prediction for one file, of one model or of several together; `error` where the file could not be read. */
export type Prediction =
  | ({ readonly path: string } & (OneAnswer | ColumnsAnswer))
  | { readonly path: string; readonly error: string; readonly reason: string }

/** The answers of a model with several label columns, or with one that has several values, by the columns' names. */
export interface ColumnsAnswer {
  readonly columns: Readonly<Record<string, ColumnAnswer>>
  /** Values that never occurred together in training: one of each two is probably wrong. */
  readonly unseenPairs: ReadonlyArray<UnseenPair>
}

/** Files were named, and not one of them could be read. Exit code 3. */
export class NothingRead extends Schema.TaggedError<NothingRead>()("NothingRead", { refused: Schema.Natural }) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    return this.refused === 0
      ? "There is nothing to predict: name an image file, a folder or a pattern."
      : this.refused === 1
        ? "No image could be read: the reason is beside its path."
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
  const { columns, config, images, members: runsOfEnsemble } = ensemble
  const thresholds = options.threshold === undefined ? [] : yield* answerThresholds(options.threshold, ensemble)
  const members = yield* openEnsemble(ensemble, (config, model) =>
    openPredictor(config, model, options.engine ?? config.name)
  )
  const width = columns.reduce((sum, { classes }) => sum + classes.length, 0)
  const isAlone = hasOneValue(columns)
  const answerTo = answersOf(columns, runsOfEnsemble[0].model.seenTogether)
  const answerOptions = { top: options.top, thresholds: columns.map((_, k) => thresholds[k]?.value) }
  const { embeddings } = options
  const [first, ...others] = ensemble.members
  if (embeddings !== undefined && others.length > 0)
    return yield* new ConfigError({
      where: "--embeddings",
      problems: ["several runs have features of their own each: name one run"]
    })
  const embedding = embeddings === undefined ? undefined : yield* openEmbedding(first.model)

  const answer = (path: string, logits: Float32Array): Prediction => {
    const { columns: answers, unseenPairs } = answerTo(logits, answerOptions)
    const [first] = answers
    if (isAlone && first !== undefined && !("labels" in first)) return { path, ...first }
    const named = Object.fromEntries(columns.map(({ name }, k) => [name, elementAt(answers, k)] as const))
    return { path, columns: named, unseenPairs }
  }

  const together = (forms: ReadonlyArray<Batch>) =>
    Effect.map(
      Effect.forEach(members, ({ predict }) => Effect.map(predict(forms), ({ after }) => after)),
      (logits) => meanPrediction(logits, columns)
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
      return answer(path, logits.subarray(row * width, ++row * width))
    })
  })
  const batches = Pipeline.fileBatches(config, images, paths)
  return {
    /** The engines that apply the models. */
    engine: [...new Set(members.map(({ engine }) => engine))].join(", "),
    /** The label columns, and the threshold of each that has one. */
    columns: columns.map((column, k) => ({ ...column, threshold: thresholds[k] })),
    predictions: batches.pipe(Stream.mapEffect(ofBatch), Stream.flattenIterable)
  }
})
