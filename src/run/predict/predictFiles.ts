import { elementAt } from "../../pipeline/elementAt.ts"
import { Effect, Schema, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Runtime from "effect/Runtime"
import { answersOf } from "../../model/answer.ts"
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
import type { Prediction } from "./Prediction.ts"
import { openEnsemble } from "../evaluate/openEnsemble.ts"
import type { PredictorName } from "./openPredictor.ts"
import { openPredictor } from "./openPredictor.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"
import { readEnsemble } from "../evaluate/readEnsemble.ts"

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

/** How files are answered. */
export interface AnswerRequest {
  /** How many classes for each image. */
  readonly top: number
  /** Undefined: every file is answered. */
  readonly threshold?: ThresholdRequest | undefined
  /** The engine; the configured one where left out. */
  readonly engine?: PredictorName | undefined
}

/** Takes the features of each image that was read, in the files' order: what the run's model gives its head. */
export type TakeFeatures = (path: string, features: Float32Array) => Effect.Effect<void>

/** How files are predicted. */
export interface PredictOptions extends AnswerRequest {
  readonly embeddings?: TakeFeatures | undefined
}

/** The models of runs as one classifier, and the threshold of each label column that has one; no engine is opened. */
export const readClassifier = Effect.fn("readClassifier")(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  { threshold }: Pick<AnswerRequest, "threshold">
) {
  const ensemble = yield* readEnsemble(runs)
  const thresholds = threshold === undefined ? [] : yield* answerThresholds(threshold, ensemble)
  return { ensemble, columns: ensemble.columns.map((column, k) => ({ ...column, threshold: thresholds[k] })) }
})

/** Fails where several runs were named: each has features of its own. */
export const refuseSeveral = (runs: ReadonlyArray<unknown>) =>
  runs.length < 2
    ? Effect.void
    : Effect.fail(
        new ConfigError({
          where: "--embeddings",
          problems: ["several runs have features of their own each: name one run"]
        })
      )

/**
 * Opens runs' models as one classifier of image files, until the Scope closes: the mean of their probabilities, each by
 * its own configuration. `features`: whether features are wanted too.
 */
export const openFilePredictor = Effect.fn("openFilePredictor")(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  request: AnswerRequest,
  features: boolean
) {
  const { columns, ensemble } = yield* readClassifier(runs, request)
  const members = yield* openEnsemble(ensemble, (config, model) =>
    openPredictor(config, model, request.engine ?? config.name)
  )
  const width = columns.reduce((sum, { classes }) => sum + classes.length, 0)
  const isAlone = hasOneValue(columns)
  const [first] = ensemble.members
  const answerTo = answersOf(columns, first.model.seenTogether)
  const answerOptions = { top: request.top, thresholds: columns.map(({ threshold }) => threshold?.value) }
  if (features) yield* refuseSeveral(runs)
  const embedding = features ? yield* openEmbedding(first.model) : undefined

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

  const ofBatch = Effect.fnUntraced(function* ({ files, forms }: FileBatch, take: TakeFeatures | undefined) {
    const [batch] = forms
    const logits = batch?.size === 0 ? new Float32Array(0) : yield* together(forms)
    if (embedding !== undefined && take !== undefined && batch !== undefined) {
      const features = yield* embedBatch(embedding, batch)
      let at = 0
      for (const { path, refused } of files)
        if (refused === undefined) yield* take(path, features.subarray(at, (at += embedding.length)))
    }
    for (const { release } of forms) release?.()
    let row = 0
    return files.map(({ path, refused }): Prediction => {
      if (refused !== undefined) return { path, error: refused.detail, reason: refused.reason }
      return answer(path, logits.subarray(row * width, ++row * width))
    })
  })
  return {
    /** The engines that apply the models. */
    engine: [...new Set(members.map(({ engine }) => engine))].join(", "),
    /** The same with what decides their last bits too: whether a graphics card computes, and what makes the features. */
    computes: [
      ...members.map(({ device, engine }) => `${engine} on ${device.startsWith("CPU") ? "a processor" : "a GPU"}`),
      ...(embedding === undefined ? [] : [`features by ${embedding.opened.engine}`])
    ].join(", "),
    /** The label columns, and the threshold of each that has one. */
    columns,
    /**
     * A prediction or an error for each file, in the files' order. Paths are taken as they are needed: in memory are a few
     * batches, however many files there are.
     */
    predict: (paths: Stream.Stream<ImagePath>, take?: TakeFeatures) =>
      Pipeline.fileBatches(ensemble.config, ensemble.images, paths).pipe(
        Stream.mapEffect((batch) => ofBatch(batch, take)),
        Stream.flattenIterable
      )
  }
})
export type FilePredictor = Effect.Success<ReturnType<typeof openFilePredictor>>

/**
 * Predicts image files by runs' models as one classifier; see `openFilePredictor`. There is a prediction or an error for
 * each file, in the files' order.
 */
export const predictFiles = Effect.fn("predictFiles")(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  paths: Stream.Stream<ImagePath>,
  { embeddings, ...request }: PredictOptions
) {
  const { predict, ...opened } = yield* openFilePredictor(runs, request, embeddings !== undefined)
  return { ...opened, predictions: predict(paths, embeddings) }
})
