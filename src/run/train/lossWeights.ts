import type { DataConfig } from "../../pipeline/DataConfig.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"

/** The factor of each label column's loss in the sum of all: 1 where the configuration sets none. */
export const lossWeights = (data: Pick<DataConfig, "columns">): ReadonlyArray<number> =>
  labelColumnsOf(data).map(({ weight = 1 }) => weight)
