/**
 * What every program needs that trains with Weft: a run's configuration, what trains and applies it, and the two services
 * that a run writes to. Each room has a module of its own beside this one, `weft-ml/pipeline` for instance.
 */
export { ConfigError, decodeRunConfig, RunConfig } from "../config/RunConfig.ts"
export { Checkpoints } from "../model/Checkpoints.ts"
export { predictFiles } from "../run/predict/predictFiles.ts"
export { RunFolder } from "../run/RunFolder.ts"
export { trainRun } from "../run/train/trainRun.ts"
