import { Effect, Result } from "effect"
import type { Stream } from "effect"
import type { CalibrationMetrics, Predictions } from "../metrics/calibration.ts"
import { calibrationMetrics, cooled } from "../metrics/calibration.ts"
import * as Evaluation from "../metrics/Evaluation.ts"
import { fitTemperature } from "../metrics/fitTemperature.ts"
import type { Batch } from "../pipeline/Batch.ts"
import type { EngineError } from "./Engine.ts"
import type { CalibrationConfig } from "./EvaluateConfig.ts"
import type { Predictor } from "./Predictor.ts"
import type { MeasuredPart } from "./predictTogether.ts"
import { predictTogether } from "./predictTogether.ts"

/** A temperature, and of how many bins its reliability curves are. */
export interface Fitted {
  readonly temperature: number
  readonly bins: number
}

/** What was made for each predictor, or what ended it. */
const found = <A>(
  made: ReadonlyArray<A>,
  failures: ReadonlyArray<EngineError | undefined>
): ReadonlyArray<Result.Result<A, EngineError>> =>
  made.map((one, i) => {
    const failure = failures[i]
    return failure === undefined ? Result.succeed(one) : Result.fail(failure)
  })

/**
 * Counts how well each of some networks does on the same batches, in inference mode; one that fails does not touch the
 * others. `images` are those that were made, `missed` the samples that have left the run.
 *
 * The loss is the plain mean cross-entropy (nats): neither smoothing nor class weights, so that runs compare.
 */
export const evaluateTogether = Effect.fn("evaluateTogether")(function* <E, R>(
  predictors: ReadonlyArray<Predictor>,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart
) {
  const evaluations = predictors.map(() => Evaluation.empty(part.classes))
  const asked = predictors.map((predictor, i) => ({
    predictor,
    take: (logits: Float32Array, { labels }: Batch) => {
      evaluations[i] = Evaluation.add(evaluations[i]!, logits, labels) // one for each
    }
  }))
  const { failures, images, missed } = yield* predictTogether(asked, batches, part)
  return { found: found(evaluations, failures), images, missed }
})

/**
 * What each of some predictors says of all samples that have not left, in their order, kept: `samples * classes * 4`
 * bytes each. See `evaluateTogether`.
 */
export const predictAllTogether = Effect.fn("predictAllTogether")(function* <E, R>(
  predictors: ReadonlyArray<Predictor>,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart
) {
  const { classes, samples } = part
  const all = predictors.map((): Predictions => ({
    classes,
    logits: new Float32Array(samples * classes),
    labels: new Int32Array(samples)
  }))
  const asked = predictors.map((predictor, i) => ({
    predictor,
    take: (logits: Float32Array, batch: Batch, done: number) => {
      const kept = all[i]! // one for each
      kept.logits.set(logits, done * classes)
      kept.labels.set(batch.labels, done)
    }
  }))
  const { failures, images, missed } = yield* predictTogether(asked, batches, part)
  const there = all.map(({ labels, logits }): Predictions => ({
    classes,
    logits: logits.subarray(0, images * classes),
    labels: labels.subarray(0, images)
  }))
  return { found: found(there, failures), images, missed }
})

/** Fits a temperature on what was predicted of a part: with it the figures before and after. */
export const calibrate = (
  found: Predictions,
  { bins }: CalibrationConfig
): Fitted & { figures: CalibrationMetrics } => {
  const temperature = fitTemperature(found)
  return { temperature, bins, figures: calibrationMetrics(found, temperature, bins) }
}

/** What predictions are worth; where there is a temperature, with it, and with the calibration's figures. */
export const figuresOf = (found: Predictions, fitted: Fitted | undefined) => ({
  evaluation: Evaluation.measure({ ...found, logits: cooled(found.logits, fitted?.temperature ?? 1) }),
  calibration:
    fitted === undefined || found.labels.length === 0
      ? undefined
      : calibrationMetrics(found, fitted.temperature, fitted.bins)
})
