import { Effect, Stream } from "effect"
import type { CalibrationFigures, Predictions } from "../metrics/calibration.ts"
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

/** A temperature, and of how many bins its reliability curves are. */
export interface Fitted {
  readonly temperature: number
  readonly bins: number
}

/** What a predictor says of all samples, kept: `samples * classes * 4` bytes. */
export const predictAll = Effect.fn("predictAll")(function* <E, R>(
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

/** Fits a temperature on what was predicted of a part: with it the figures before and after. */
export const calibrate = (
  found: Predictions,
  { bins }: CalibrationConfig
): Fitted & { figures: CalibrationFigures } => {
  const temperature = fitTemperature(found)
  return { temperature, bins, figures: calibrationFigures(found, temperature, bins) }
}

/** What predictions are worth; where there is a temperature, with it, and with the calibration's figures. */
export const figuresOf = (found: Predictions, fitted: Fitted | undefined) => ({
  evaluation: Evaluation.add(
    Evaluation.empty(found.classes),
    cooled(found.logits, fitted?.temperature ?? 1),
    found.labels
  ),
  calibration:
    fitted === undefined || found.labels.length === 0
      ? undefined
      : calibrationFigures(found, fitted.temperature, fitted.bins)
})

/** Measures a predictor on a part; where it has a temperature, with it, and with the calibration's figures. */
export const measure = Effect.fn("measure")(function* <E, R>(
  predictor: Predictor,
  batches: Stream.Stream<Batch, E, R>,
  part: MeasuredPart,
  fitted: Fitted | undefined
) {
  return fitted === undefined
    ? { evaluation: yield* evaluate(predictor, batches, part), calibration: undefined }
    : figuresOf(yield* predictAll(predictor, batches, part), fitted)
})
