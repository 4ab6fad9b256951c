import { Effect } from "effect"
import type { Known } from "../../pipeline/checkImages.ts"
import { oneClass } from "../../pipeline/DataUnusable.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { PipelineConfig } from "../../pipeline/Pipeline.ts"

/** The samples of a run that is to train: as `Pipeline.dataset` gives them, of two classes at least. */
export const trainingData = Effect.fn("trainingData")(function* (config: PipelineConfig, known?: Known) {
  const dataset = yield* Pipeline.dataset(config, known)
  const [only, ...others] = dataset.classes
  if (only !== undefined && others.length === 0) return yield* oneClass(only, dataset.ledger.kept)
  return dataset
})
