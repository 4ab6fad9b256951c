import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { percent } from "../figures.ts"
import { cooled } from "../metrics/calibration.ts"
import type { Selection } from "../metrics/selective.ts"
import { selections, smallestThreshold } from "../metrics/selective.ts"
import { arranged } from "../model/arranged.ts"
import type { Model } from "../model/Model.ts"
import { logMeanSoftmax } from "../model/Predictor.ts"
import { numbersOf } from "../model/StoredPredictions.ts"
import { ConfigError } from "../RunConfig.ts"
import type { FinishedRun } from "./readEnsemble.ts"
import { sameClasses } from "./sameClasses.ts"
import { sameSamples } from "./sameSamples.ts"
import { storedPredictions } from "./storedPredictions.ts"

/** From which probability on a model is to answer: a number, or as little as gives a share of right answers. */
export type ThresholdRequest = { readonly value: number } | { readonly accuracy: number }

/** A threshold, and where it comes from. */
export type Threshold =
  | { readonly value: number; readonly source: "given" }
  | {
      readonly value: number
      /** Chosen on the validation part's stored predictions. */
      readonly source: "validation"
      /** What was asked for. */
      readonly target: number
      readonly chosen: Selection
      /** What other thresholds would do. */
      readonly curve: ReadonlyArray<Selection>
    }

const shown = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]

/** A run, with the temperature of its model. */
type Calibrated = FinishedRun & { readonly model: Pick<Model, "calibration"> }

/** What runs together say of the validation part, by the predictions that each has kept. */
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
  const said = yield* Effect.forEach(
    stored,
    Effect.fnUntraced(function* (one) {
      const columns = yield* sameClasses(first, one)
      const rows = yield* sameSamples(first, one)
      return cooled(arranged(one.logits, columns, rows), one.temperature)
    })
  )
  return { ...numbersOf(first), logits: logMeanSoftmax(said, first.labels.length) }
})

/**
 * The threshold that is asked for; with `accuracy`, the smallest one with which the answers of the members together have
 * it on the validation part.
 *
 * Fails with a ConfigError where no threshold has it, or a run's predictions were not kept, and with a RunError where the
 * members' are not of the same samples.
 */
export const answerThreshold = Effect.fn("answerThreshold")(function* (
  request: ThresholdRequest,
  members: NonEmptyReadonlyArray<Calibrated>
) {
  if ("value" in request) return { value: request.value, source: "given" } satisfies Threshold
  const { accuracy } = request
  const fail = (problem: string) => new ConfigError({ where: `--threshold auto:${accuracy}`, problems: [problem] })
  const found = yield* togetherOn(members, fail)
  const { best, chosen } = smallestThreshold(found, accuracy)
  if (best === undefined) return yield* fail("the validation part is empty: give the threshold as a number")
  if (chosen === undefined)
    return yield* fail(
      `no threshold reaches it on the ${best.samples} samples of the validation part; the most accurate one, ` +
        `${best.threshold.toFixed(4)}, has ${percent(best.accuracy ?? 0)} right of the ${best.answered} that it answers`
    )
  return {
    value: chosen.threshold,
    source: "validation",
    target: accuracy,
    chosen,
    curve: selections(found, shown)
  } satisfies Threshold
})
