import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { percent } from "../../metrics/numberText.ts"
import { cooled } from "../../metrics/calibration.ts"
import type { SafeSelection, Selection } from "../../metrics/selective.ts"
import { safeThreshold, selections } from "../../metrics/selective.ts"
import { arranged } from "../../model/arranged.ts"
import type { Model } from "../../model/Model.ts"
import { logMeanSoftmax } from "../../model/Predictor.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"
import { sameClasses } from "../evaluate/sameClasses.ts"
import { sameSamples } from "../evaluate/sameSamples.ts"
import { storedPredictions } from "./storedPredictions.ts"

/**
 * The least probability at which a model answers: a number, or the smallest one that promises a share of right answers.
 */
export type ThresholdRequest = { readonly value: number } | { readonly accuracy: number }

/** A threshold, and how it was chosen. */
export type Threshold =
  | { readonly value: number; readonly source: "given" }
  | {
      readonly value: number
      /** Chosen on the validation part's stored predictions. */
      readonly source: "validation"
      /** The promised share of right answers. */
      readonly target: number
      /** The probability that the promise holds, on photos like those of the validation part. */
      readonly confidence: number
      readonly chosen: SafeSelection
      /** Coverage and accuracy at other thresholds. */
      readonly curve: ReadonlyArray<Selection>
    }

/** The confidence of promises: they are broken for at most one of 20 validation parts. */
export const confidence = 0.95

const shown = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]

/** A run, with the temperature of its model. */
type Calibrated = FinishedRun & { readonly model: Pick<Model, "calibration"> }

/** The logits of several runs together for the validation part, from the predictions that each has kept. */
const togetherOn = Effect.fnUntraced(function* (
  members: NonEmptyReadonlyArray<Calibrated>,
  fail: (problem: string) => ConfigError
) {
  const stored = yield* Effect.forEach(
    members,
    Effect.fnUntraced(function* ({ config, folder, model }) {
      const predictions = yield* storedPredictions({ config, folder }, "validation")
      if (predictions === undefined)
        return yield* fail(
          `${folder.path}/predictions/validation.safetensors is not there: the run is not finished, or was made before ` +
            "Weft kept predictions. Train again, or give the threshold as a number"
        )
      return { ...predictions, what: "validation part", temperature: model.calibration?.temperature ?? 1 }
    })
  )
  const [first] = stored
  const logits = yield* Effect.forEach(
    stored,
    Effect.fnUntraced(function* (one) {
      const columns = yield* sameClasses(first, one)
      const rows = yield* sameSamples(first, one)
      return cooled(arranged(one.logits, columns, rows), one.temperature)
    })
  )
  return { ...numbersOf(first), logits: logMeanSoftmax(logits, first.labels.length) }
})

/**
 * The requested threshold. With `accuracy`, the smallest one at which the members' common answers have that accuracy on
 * photos like those of the validation part, with a confidence of 95 %.
 *
 * Fails with a ConfigError where no threshold promises it, or a run has kept no predictions, and with a RunError where
 * the members' predictions are of different samples.
 */
export const answerThreshold = Effect.fn("answerThreshold")(function* (
  request: ThresholdRequest,
  members: NonEmptyReadonlyArray<Calibrated>
) {
  if ("value" in request) return { value: request.value, source: "given" } satisfies Threshold
  const { accuracy } = request
  const fail = (problem: string) => new ConfigError({ where: `--threshold auto:${accuracy}`, problems: [problem] })
  const found = yield* togetherOn(members, fail)
  const { best, chosen } = safeThreshold(found, accuracy, confidence)
  if (best === undefined) return yield* fail("the validation part is empty: give the threshold as a number")
  if (chosen === undefined)
    return yield* fail(
      `no threshold promises ${percent(accuracy)} right answers with ${percent(confidence)} confidence, by the ` +
        `${best.samples} samples of the validation part. The best that was tried, ${best.threshold}, promises ` +
        `${percent(best.atLeast)}: of the ${best.answered} that it answers, ${percent(best.accuracy ?? 0)} are right. ` +
        "Ask for less, use a larger validation part, or give the threshold as a number"
    )
  return {
    value: chosen.threshold,
    source: "validation",
    target: accuracy,
    confidence,
    chosen,
    curve: selections(found, shown)
  } satisfies Threshold
})
