import { Struct } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { canonical } from "../../pipeline/canonical.ts"

/**
 * Names everything that the batches of a run depend on, and its engine: runs with the same key can share batches of
 * images.
 *
 * They may differ in `name`, `network`, `evaluate`, `calibration`, and in all of `train` but `batchSize` and `sampling`.
 */
export const passKey = (config: RunConfig): string =>
  canonical({
    ...Struct.omit(config, ["name", "network", "evaluate", "calibration", "train"]),
    train: Struct.pick(config.train, ["batchSize", "sampling"])
  })
