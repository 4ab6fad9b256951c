import { Clock, Effect } from "effect"
import type { Checkpoints } from "../model/Checkpoints.ts"
import { networkFor } from "../model/networks.ts"
import { freezingOf } from "../model/parts.ts"
import type { RunConfig } from "../RunConfig.ts"
import { resolveConfig } from "./resolveConfig.ts"
import type { RunFolder } from "./RunFolder.ts"

/** A run that is to be trained, alone or among others. */
export interface MemberOptions {
  /** Its id, where it is one of many. */
  readonly trial: string | undefined
  readonly config: RunConfig
  readonly folder: RunFolder["Service"]
  readonly checkpoints: Checkpoints["Service"]
  /** See `LearnerOptions`. */
  readonly until: number | undefined
}

/**
 * A run whose configuration is complete, checked and written down: a network or a block that is none is known before an
 * engine starts and before the first image is read.
 */
export const beginMember = Effect.fn("beginMember")(function* (options: MemberOptions) {
  const start = yield* Clock.currentTimeMillis
  const config = yield* resolveConfig(options.config)
  yield* options.folder.write("config.json", `${JSON.stringify(config, null, 2)}\n`)
  const anyClasses = yield* networkFor(config.network, { ...config.image, classes: 2 })
  yield* freezingOf(anyClasses, config.network, config.train, 1)
  return { ...options, config, anyClasses, start }
})
export type Member = Effect.Success<ReturnType<typeof beginMember>>
