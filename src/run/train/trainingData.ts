import { Effect } from "effect"
import type { Known } from "../../pipeline/checkImages.ts"
import { oneClass } from "../../pipeline/DataUnusable.ts"
import { hasOneValue } from "../../pipeline/LabelColumn.ts"
import { partNames } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { PipelineConfig } from "../../pipeline/Pipeline.ts"

/** The samples of a run that is to train: as `Pipeline.dataset` gives them, of two classes at least. */
export const trainingData = Effect.fn("trainingData")(function* (config: PipelineConfig, known?: Known) {
  const dataset = yield* Pipeline.dataset(config, known)
  for (const [column, { classes, name, values }] of dataset.columns.entries()) {
    const [only, ...others] = classes
    // Of several values, one may apply or not.
    if (values === "several" || only === undefined || others.length > 0) continue
    if (hasOneValue(dataset.columns)) return yield* oneClass(only, dataset.ledger.kept)
    const known = partNames.flatMap((part) => dataset[part].filter(({ labels }) => labels?.[column] !== undefined))
    return yield* oneClass(only, known.length, name)
  }
  return dataset
})
