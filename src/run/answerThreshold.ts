import { Effect } from "effect"
import { percent } from "../figures.ts"
import { cooled } from "../metrics/calibration.ts"
import type { Selection } from "../metrics/selective.ts"
import { selections, smallestThreshold } from "../metrics/selective.ts"
import { decodePredictions, numbersOf } from "../model/StoredPredictions.ts"
import { ConfigError } from "../RunConfig.ts"
import { RunFolder } from "./RunFolder.ts"

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

const file = "predictions/validation.safetensors"

/**
 * The threshold that is asked for; with `accuracy`, the smallest one whose answers on the validation part have it.
 *
 * `temperature` is the model's. Fails with a ConfigError where no threshold has it, or the run's predictions were not kept.
 */
export const answerThreshold = Effect.fn("answerThreshold")(function* (request: ThresholdRequest, temperature: number) {
  if ("value" in request) return { value: request.value, source: "given" } satisfies Threshold
  const { accuracy } = request
  const fail = (problem: string) => new ConfigError({ where: `--threshold auto:${accuracy}`, problems: [problem] })
  const folder = yield* RunFolder
  if (!(yield* folder.has(file)))
    return yield* fail(
      `${folder.path}/${file} is not there: the run is not finished, or was made before Weft kept predictions. ` +
        "Train again, or give the threshold as a number"
    )
  const stored = yield* decodePredictions(yield* folder.read(file), `${folder.path}/${file}`)
  const numbers = numbersOf(stored)
  const found = { ...numbers, logits: cooled(numbers.logits, temperature) }
  const { best, chosen } = smallestThreshold(found, accuracy)
  if (best === undefined) return yield* fail("the run's validation part is empty: give the threshold as a number")
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
