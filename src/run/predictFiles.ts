import { Effect, Stream } from "effect"
import { cooled } from "../metrics/calibration.ts"
import { topK } from "../metrics/topK.ts"
import { Engines } from "../model/Engines.ts"
import { decodeModel, inferenceOptions } from "../model/Model.ts"
import { predictorOf } from "../model/Predictor.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import type { RunConfig } from "../RunConfig.ts"
import { RunFolder } from "./RunFolder.ts"

/** What a model says of one file; `error` where it could not be read. */
export type Prediction =
  | {
      readonly path: string
      /** The most probable first; probabilities from 0 to 1. */
      readonly classes: ReadonlyArray<{ readonly label: string; readonly probability: number }>
    }
  | { readonly path: string; readonly error: string; readonly reason: string }

/** The predictions of a run's model for image files, in the files' order; nothing is left out. */
export const predictFiles = (config: RunConfig, paths: ReadonlyArray<string>, k: number) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const folder = yield* RunFolder
      const model = yield* decodeModel(yield* folder.read("model/model.safetensors"), folder.path)
      const engine = yield* Engines.use((engines) => engines.choose(config.engine, model.network))
      const session = yield* engine.open(inferenceOptions(model))
      const classes = model.labels.length
      const predictor = predictorOf(session, config.evaluate, classes)
      const temperature = model.calibration?.temperature ?? 1
      return Pipeline.fileBatches({ ...config, image: model.image }, paths).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ batch, refused }) {
            const logits = batch.size === 0 ? new Float32Array(0) : yield* predictor.predict(batch)
            batch.release?.()
            const cool = cooled(logits, temperature)
            const predicted = batch.ids.map((path, row): Prediction => ({
              path,
              classes: topK(cool.subarray(row * classes, (row + 1) * classes), k).map(({ index, probability }) => ({
                label: model.labels[index]!, // as many labels as logits
                probability
              }))
            }))
            const failed = refused.map(({ detail, path, reason }): Prediction => ({ path, error: detail, reason }))
            const start = batch.index * config.train.batchSize
            return merge(paths.slice(start, start + predicted.length + failed.length), predicted, failed)
          })
        ),
        Stream.flattenIterable
      )
    })
  )

/** What was predicted and what failed, each in its own order, in the order of the paths. */
const merge = (
  paths: ReadonlyArray<string>,
  predicted: ReadonlyArray<Prediction>,
  failed: ReadonlyArray<Prediction>
): ReadonlyArray<Prediction> => {
  let next = 0
  let nextFailed = 0
  // There are as many paths as predictions and failures together.
  return paths.map((path) => (failed[nextFailed]?.path === path ? failed[nextFailed++]! : predicted[next++]!))
}
