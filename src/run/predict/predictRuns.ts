import { Effect, Result } from "effect"
import type { Predictions } from "../../metrics/calibration.ts"
import type { Missed } from "../../pipeline/Batch.ts"
import type { EngineError } from "../../model/Engine.ts"
import { predictAllTogether } from "../../model/measure.ts"
import { predictorOf } from "../../model/Predictor.ts"
import type { OpenBatches } from "../train/openBatches.ts"
import type { OpenLearner } from "../train/openLearner.ts"

/** What a run's model says of the parts that it is measured on. */
export interface Predicted {
  /** Of the samples that have not left, in their order; so is `test`. */
  readonly validation: Predictions
  readonly test: Predictions
  /** Samples of either part that have left. */
  readonly missed: ReadonlyArray<Missed>
}

/**
 * What runs on the same batches say of validation and test; every batch is made once for all. One that fails does not
 * touch the others.
 */
export const predictRuns = Effect.fn("predictRuns")(function* (
  learners: ReadonlyArray<OpenLearner>,
  batches: OpenBatches
) {
  const passes = { wanted: 0, made: 0 }
  const predicted = new Map<OpenLearner, Result.Result<Predicted, EngineError>>()
  const seesTwice = ({ config }: OpenLearner) => config.evaluate.tta !== "none"
  // A second look at an image needs the image, whatever is known of the first.
  const looks = [
    { seen: learners.filter((learner) => !seesTwice(learner)), stream: batches.evaluation },
    { seen: learners.filter(seesTwice), stream: batches.images }
  ]
  for (const { seen, stream } of looks) {
    const [first] = seen
    if (first === undefined) continue
    const classes = first.dataset.classes.length
    const predictors = seen.map(({ config, session }) => predictorOf(session, config.evaluate, classes))
    const partOf = Effect.fnUntraced(function* (part: "validation" | "test") {
      const samples = first.dataset[part].length
      const { found, images, missed } = yield* predictAllTogether(predictors, stream(part), { part, samples, classes })
      passes.made += images
      passes.wanted += images * seen.length
      return { found, missed }
    })
    const validation = yield* partOf("validation")
    const test = yield* partOf("test")
    // As many as were asked.
    for (const [i, learner] of seen.entries())
      predicted.set(
        learner,
        Result.map(Result.all({ validation: validation.found[i]!, test: test.found[i]! }), (parts) => ({
          ...parts,
          missed: [...validation.missed, ...test.missed]
        }))
      )
  }
  return { predicted: predicted as ReadonlyMap<OpenLearner, Result.Result<Predicted, EngineError>>, passes }
})
