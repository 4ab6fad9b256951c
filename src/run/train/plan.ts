import { Clock, Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { Checkpoints } from "../../model/Checkpoints.ts"
import { planNetwork } from "../../model/NetworkPlan.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { RunFolder } from "../RunFolder.ts"
import { configDigest } from "../configDigest.ts"
import { checkLabelNoise } from "../labelNoise/unlikelyLabels.ts"
import { readFormer } from "../former.ts"
import { completeConfig } from "./completeConfig.ts"
import type { RunEngine } from "./RunEngine.ts"
import { configuredEngine, readRunEngine } from "./RunEngine.ts"

/** A requested run, alone or among others. */
export interface RunRequest {
  /** Its id, where it is one of many. */
  readonly trial: string | undefined
  readonly config: RunConfig
  readonly folder: RunFolder["Service"]
  readonly checkpoints: Checkpoints["Service"]
  /** Epochs after which it pauses; undefined: trains to its end. See `LearnerOptions`. */
  readonly until: number | undefined
  /** The engine to run on; where left out, the one that it began on, or else the configured one. */
  readonly engine?: RunEngine | undefined
  /** The digest of the configuration that it had until now, where it is to be trained longer. */
  readonly former?: string | undefined
}

/**
 * The first stage of a run: its configuration is complete and checked. A network or a block that does not exist is
 * known before an engine starts and before the first image is read. Nothing is written yet: a start that fails leaves
 * nothing.
 */
export const planRun = Effect.fn("planRun")(function* (request: RunRequest) {
  const start = yield* Clock.currentTimeNanos
  if (request.config.train.labelNoise !== undefined) yield* checkLabelNoise(request.config, "train.labelNoise")
  const config = yield* completeConfig(request.config, request.folder)
  const networkPlan = yield* planNetwork(config.network, config.image, config.train, labelColumnsOf(config.data))
  const digest = yield* configDigest(config)
  const former = [...(yield* readFormer(request.folder)), ...(request.former === undefined ? [] : [request.former])]
  const began = request.engine === undefined ? yield* readRunEngine(request.folder) : undefined
  return {
    ...request,
    config,
    networkPlan,
    /** Digests of the configurations that the run had before it was trained longer. */
    former: [...new Set(former)].filter((one) => one !== digest),
    /** When this process began the run, in nanoseconds of the monotonic clock. */
    start,
    /** The engine to run on, and whether it is the one that it began on. */
    engineWanted: request.engine ?? began ?? configuredEngine(config),
    isBegun: began !== undefined
  }
})
export type PlannedRun = Effect.Success<ReturnType<typeof planRun>>
