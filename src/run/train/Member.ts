import { Clock, Effect } from "effect"
import type { Checkpoints } from "../../model/Checkpoints.ts"
import { networkFor } from "../../model/networks.ts"
import { freezingOf } from "../../model/parts.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { resolveConfig } from "./resolveConfig.ts"
import type { RunEngine } from "./RunEngine.ts"
import { configuredEngine, readRunEngine } from "./RunEngine.ts"
import type { RunFolder } from "../RunFolder.ts"

/** A run that is to be trained, alone or among others. */
export interface MemberOptions {
  /** Its id, where it is one of many. */
  readonly trial: string | undefined
  readonly config: RunConfig
  readonly folder: RunFolder["Service"]
  readonly checkpoints: Checkpoints["Service"]
  /** See `LearnerOptions`. */
  readonly until: number | undefined
  /** What it is to run on, whatever it began on; that, or what the configuration says, where left out. */
  readonly engine?: RunEngine | undefined
}

/**
 * A run whose configuration is complete and checked: a network or a block that is none is known before an engine starts
 * and before the first image is read. Nothing has been written down yet: a start that fails leaves nothing.
 */
export const beginMember = Effect.fn("beginMember")(function* (options: MemberOptions) {
  const start = yield* Clock.currentTimeNanos
  const config = yield* resolveConfig(options.config)
  const anyClasses = yield* networkFor(config.network, { ...config.image, classes: 2 })
  yield* freezingOf(anyClasses, config.network, config.train, 1)
  const began = options.engine === undefined ? yield* readRunEngine(options.folder) : undefined
  return {
    ...options,
    config,
    anyClasses,
    start,
    /** What it is to run on, and whether that is what it began on. */
    engine: options.engine ?? began ?? configuredEngine(config),
    isBegun: began !== undefined
  }
})
export type Member = Effect.Success<ReturnType<typeof beginMember>>
