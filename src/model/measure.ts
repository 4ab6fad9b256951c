import { Effect, Result, Schema, Stream } from "effect"
import { intBetween, setting } from "../config/Setting.ts"
import type { CalibrationMetrics } from "../metrics/calibration.ts"
import { calibrationMetrics, cooled } from "../metrics/calibration.ts"
import type { ColumnPredictions } from "../metrics/columns.ts"
import * as Columns from "../metrics/columns.ts"
import * as Evaluation from "../metrics/Evaluation.ts"
import { fitTemperature } from "../metrics/fitTemperature.ts"
import * as Multilabel from "../metrics/multilabel.ts"
import type { Batch, Missed } from "../pipeline/Batch.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import { report } from "../pipeline/Progress.ts"
import type { EngineError } from "./Engine.ts"
import type { Predictor } from "./Predictor.ts"

/** How probabilities are brought in line with how often they are right. */
export const CalibrationConfig = Schema.Struct({
  kind: setting(Schema.Literals(["temperature"]), "temperature", "`temperature`: one divisor of all logits"),
  bins: setting(intBetween(2, 1000), 15, "Bins of equal width, for the calibration error and the reliability curve")
})
export type CalibrationConfig = typeof CalibrationConfig.Type

/** A temperature, and the number of bins of its reliability curves. */
export interface Fitted {
  readonly temperature: number
  readonly bins: number
}

/** A part of the catalogue, as progress names it. */
export interface MeasuredPart {
  readonly part: string
  readonly samples: number
  readonly columns: ReadonlyArray<LabelColumn>
}

/** A predictor, and its owner. */
export interface PredictorOf<Owner> {
  readonly owner: Owner
  readonly predictor: Predictor
}

/** A predictor's result, or the error that it failed with. */
export interface FoundBy<Owner, A> {
  readonly owner: Owner
  readonly found: Result.Result<A, EngineError>
}

/** How the logits (size, classes of all columns) of a part's batches become one result. */
interface Collecting<A> {
  readonly begin: () => A
  /** `done` are the samples before the batch. */
  readonly add: (sum: A, logits: Float32Array, batch: Batch, done: number) => A
}

/**
 * Gives every batch of a part to all predictors, so that it is made once.
 *
 * A predictor that fails gets no further batch, and the others go on; an error of the batches ends all. `images` are those
 * that were made, `missed` the samples of the part that have left the run.
 */
const predictTogether = Effect.fn("predictTogether")(function* <Owner, A, E, R>(
  predictors: ReadonlyArray<PredictorOf<Owner>>,
  { add, begin }: Collecting<A>,
  batches: Stream.Stream<Batch, E, R>,
  { part, samples }: MeasuredPart
) {
  const all = predictors.map(({ owner, predictor }) => ({
    owner,
    predictor,
    found: Result.succeed(begin()) as Result.Result<A, EngineError> // it may fail later
  }))
  let images = 0
  const missed: Array<Missed> = []
  yield* Stream.runForEachWhile(
    batches,
    Effect.fnUntraced(function* (batch: Batch) {
      missed.push(...(batch.lost ?? []))
      // Not even an empty batch reaches a network.
      for (const one of batch.size === 0 ? [] : all) {
        if (Result.isFailure(one.found)) continue
        const sum = one.found.success
        one.found = Result.map(yield* Effect.result(one.predictor.predict(batch)), (logits) =>
          add(sum, logits, batch, images)
        )
      }
      batch.release?.()
      images += batch.size
      yield* report({ _tag: "Evaluating", part, done: images, total: samples })
      return all.some(({ found }) => Result.isSuccess(found))
    })
  )
  return {
    found: all.map(({ found, owner }): FoundBy<Owner, A> => ({ owner, found })),
    images,
    missed: missed as ReadonlyArray<Missed>
  }
})

/**
 * Evaluates several networks on the same batches, in inference mode; one that fails does not affect the others.
 * `images` is how many were made, `missed` the samples that have left the run.
 *
 * The losses are the plain mean cross-entropies (nats): neither smoothing nor class weights, so that runs compare.
 */
export const evaluateTogether = <Owner, E, R>(
  predictors: ReadonlyArray<PredictorOf<Owner>>,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart
) =>
  predictTogether(
    predictors,
    {
      begin: () => Columns.empty(part.columns),
      add: (sum, logits, batch) => Columns.add(sum, part.columns, logits, Columns.batchLabels(batch))
    },
    batches,
    part
  )

/**
 * The logits (samples, classes of all columns) of each predictor for all samples that have not left, in their order:
 * `samples * classes * 4` bytes each.
 * See `evaluateTogether`.
 */
export const predictAllTogether = Effect.fnUntraced(function* <Owner, E, R>(
  predictors: ReadonlyArray<PredictorOf<Owner>>,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart
) {
  const { columns, samples } = part
  const classes = columns.reduce((sum, column) => sum + column.classes.length, 0)
  const { found, images, missed } = yield* predictTogether(
    predictors,
    {
      begin: () => new Float32Array(samples * classes),
      add: (all, logits, _, done) => {
        all.set(logits, done * classes)
        return all
      }
    },
    batches,
    part
  )
  return {
    found: found.map(({ found, owner }): FoundBy<Owner, Float32Array> => ({
      owner,
      found: Result.map(found, (logits) => logits.subarray(0, images * classes))
    })),
    images,
    missed
  }
})

/** Fits a temperature on a part's predictions; with the metrics before and after. */
export const calibrate = (
  found: ColumnPredictions,
  { bins }: CalibrationConfig
): Fitted & { metrics: CalibrationMetrics } => {
  const temperature = fitTemperature(found)
  return { temperature, bins, metrics: calibrationMetrics(found, temperature, bins) }
}

/**
 * Metrics of predictions; where a temperature is fitted, at that temperature, and with the calibration's metrics. In a
 * column with several values a class applies from its threshold on, one half where there are none.
 */
export const metricsOf = <Found extends ColumnPredictions>(
  found: Found,
  fitted: Fitted | undefined,
  thresholds?: ReadonlyArray<number>
) => ({
  evaluation: evaluationOf({ ...found, logits: cooled(found.logits, fitted?.temperature ?? 1) }, thresholds),
  calibration:
    fitted === undefined || found.labels.length === 0
      ? undefined
      : calibrationMetrics(found, fitted.temperature, fitted.bins)
})

const evaluationOf = (found: ColumnPredictions, thresholds: ReadonlyArray<number> | undefined) =>
  "values" in found ? Multilabel.measure(found, thresholds) : Evaluation.measure(found)
