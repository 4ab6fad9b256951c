import { Effect, Stream } from "effect"
import type { Predictions } from "../metrics/calibration.ts"
import { calibrationFigures, cooled } from "../metrics/calibration.ts"
import * as Evaluation from "../metrics/Evaluation.ts"
import { fitTemperature } from "../metrics/fitTemperature.ts"
import type { Batch } from "../pipeline/Batch.ts"
import { report } from "../Progress.ts"
import { evaluate } from "./evaluate.ts"
import type { CalibrationConfig } from "./EvaluateConfig.ts"
import type { Predictor } from "./Predictor.ts"

/** A part of the catalogue, as progress names it. */
export interface MeasuredPart {
  readonly part: string
  readonly samples: number
  readonly classes: number
}

/** What a predictor says of all samples, kept: `samples * classes * 4` bytes. */
const predictAll = Effect.fn("predictAll")(function* <E, R>(
  predictor: Predictor,
  batches: Stream.Stream<Batch, E, R>,
  { classes, part, samples }: MeasuredPart
) {
  const logits = new Float32Array(samples * classes)
  const labels = new Int32Array(samples)
  let done = 0
  yield* Stream.runForEach(
    batches,
    Effect.fnUntraced(function* (batch: Batch) {
      logits.set(yield* predictor.predict(batch), done * classes)
      labels.set(batch.labels, done)
      batch.release?.()
      done += batch.size
      yield* report({ _tag: "Evaluating", part, done, total: samples })
    })
  )
  return { classes, logits, labels } satisfies Predictions
})

/** Fits a temperature on the samples of a part: with it the figures before and after. */
export const calibrate = Effect.fn("calibrate")(function* <E, R>(
  predictor: Predictor,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart,
  { bins }: CalibrationConfig
) {
  const found = yield* predictAll(predictor, batches, part)
  const temperature = fitTemperature(found)
  return { temperature, bins, figures: calibrationFigures(found, temperature, bins) }
})

/** Measures a predictor on a part; where it has a temperature, with it, and with the calibration's figures. */
export const measure = Effect.fn("measure")(function* <E, R>(
  predictor: Predictor,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart,
  calibration: { readonly temperature: number; readonly bins: number } | undefined
) {
  if (calibration === undefined)
    return { evaluation: yield* evaluate(predictor, batches, part), calibration: undefined }
  const { bins, temperature } = calibration
  const found = yield* predictAll(predictor, batches, part)
  return {
    evaluation: Evaluation.add(Evaluation.empty(part.classes), cooled(found.logits, temperature), found.labels),
    calibration: part.samples === 0 ? undefined : calibrationFigures(found, temperature, bins)
  }
})
