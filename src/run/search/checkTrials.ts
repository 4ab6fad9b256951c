import { Effect, Result } from "effect"
import { planNetwork } from "../../model/NetworkPlan.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import type { Trial } from "./points.ts"

/**
 * Checks that every trial's network fits its images, and has the blocks that its configuration names: of all trials at
 * once, before anything starts. Fails with a ConfigError; `where` is the search's file.
 */
export const checkTrials = Effect.fn("checkTrials")(function* (trials: ReadonlyArray<Trial>, where: string) {
  const problems: Array<string> = []
  for (const { config, id } of trials) {
    const checked = yield* Effect.result(
      planNetwork(config.network, config.image, config.train, labelColumnsOf(config.data))
    )
    if (Result.isFailure(checked)) problems.push(`trial ${id}: ${checked.failure.message}`)
  }
  if (problems.length > 0) return yield* new ConfigError({ where, problems })
})
