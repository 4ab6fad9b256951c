import { Effect } from "effect"
import { percent } from "../../metrics/numberText.ts"
import type { Predictions } from "../../metrics/calibration.ts"
import type { SafeSelection, Selection } from "../../metrics/selective.ts"
import { safeThreshold, selections } from "../../metrics/selective.ts"
import { arranged } from "../../model/arranged.ts"
import { cooledColumns, modelColumns } from "../../model/Model.ts"
import { meanPrediction } from "../../model/Predictor.ts"
import { columnOf, numbersOf } from "../../model/StoredPredictions.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import type { Ensemble } from "../evaluate/readEnsemble.ts"
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
  | {
      readonly value: typeof unanswered
      /** Of one among several label columns: no threshold promises the share, so that nothing is answered. */
      readonly source: "none"
      readonly target: number
      readonly confidence: number
    }

/** A threshold that no probability reaches. */
const unanswered = 2

/** The confidence of promises: they are broken for at most one of 20 validation parts. */
export const confidence = 0.95

const shown = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]

/** The predictions of several runs together for the validation part, from those that each has kept. */
const togetherOn = Effect.fnUntraced(function* (
  { columns, members }: Pick<Ensemble, "columns" | "members">,
  fail: (problem: string) => ConfigError
) {
  const stored = yield* Effect.forEach(
    members,
    Effect.fnUntraced(function* ({ config, folder, model, order }) {
      const predictions = yield* storedPredictions({ config, folder }, "validation")
      if (predictions === undefined)
        return yield* fail(
          `${folder.path}/predictions/validation.safetensors is not there: the run is not finished, or was made before ` +
            "Weft kept predictions. Train again, or give the threshold as a number"
        )
      return { ...predictions, what: "validation part", model, order }
    })
  )
  const [first] = stored
  const logits = yield* Effect.forEach(
    stored,
    Effect.fnUntraced(function* (one) {
      const rows = yield* sameSamples(first, one)
      return arranged(cooledColumns(one.logits, modelColumns(one.model)), one.order, rows)
    })
  )
  return { ...first, logits: meanPrediction(logits, columns) }
})

/** The smallest threshold that promises a share of right answers; undefined where none does. */
const chosenThreshold = (found: Predictions, accuracy: number) => {
  const { best, chosen } = safeThreshold(found, accuracy, confidence)
  const threshold: Threshold | undefined = chosen && {
    value: chosen.threshold,
    source: "validation",
    target: accuracy,
    confidence,
    chosen,
    curve: selections(found, shown)
  }
  return { best, threshold }
}

/**
 * The requested threshold of each label column, in their order; undefined for a column with several values, whose classes
 * have thresholds of their own. With `accuracy`, the smallest one at which the members' common answers have that accuracy
 * on photos like those of the validation part, with a confidence of 95 %.
 *
 * Where there is one column, fails with a ConfigError if no threshold promises it; of several columns, one without such a
 * threshold is not answered at all: see `unanswered`. Fails with a ConfigError where a run has kept no predictions, and
 * with a RunError where the members' predictions are of different samples.
 */
export const answerThresholds = Effect.fn("answerThresholds")(function* (
  request: ThresholdRequest,
  ensemble: Pick<Ensemble, "columns" | "members">
) {
  const { columns } = ensemble
  if ("value" in request) {
    const given: Threshold = { value: request.value, source: "given" }
    return columns.map(({ values }) => (values === "one" ? given : undefined))
  }
  const { accuracy } = request
  const fail = (problem: string) => new ConfigError({ where: `--threshold auto:${accuracy}`, problems: [problem] })
  const found = yield* togetherOn(ensemble, fail)
  return yield* Effect.forEach(
    columns,
    Effect.fnUntraced(function* ({ index, values }) {
      if (values === "several") return undefined
      const { best, threshold } = chosenThreshold(numbersOf(columnOf(found, index)), accuracy)
      if (threshold !== undefined) return threshold
      if (columns.length > 1) return { value: unanswered, source: "none", target: accuracy, confidence } as const
      if (best === undefined) return yield* fail("the validation part is empty: give the threshold as a number")
      return yield* fail(
        `no threshold promises ${percent(accuracy)} right answers with ${percent(confidence)} confidence, by the ` +
          `${best.samples} samples of the validation part. The best that was tried, ${best.threshold}, promises ` +
          `${percent(best.atLeast)}: of the ${best.answered} that it answers, ${percent(best.accuracy ?? 0)} are right. ` +
          "Ask for less, use a larger validation part, or give the threshold as a number"
      )
    })
  )
})
