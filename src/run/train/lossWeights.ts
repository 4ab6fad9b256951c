import type { RunConfig } from "../../config/RunConfig.ts"

/** The factor of each label column's loss; undefined where all are 1. */
export const lossWeights = (_: Pick<RunConfig, "data">): ReadonlyArray<number> | undefined => undefined
