import { Array, Effect } from "effect"
import { repeatedRungs } from "./halving.ts"
import { repetitionsOf } from "./SearchConfig.ts"
import type { SearchConfig } from "./SearchConfig.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { passengers } from "./passengers.ts"
import type { Trial } from "./points.ts"
import type { SearchPayload } from "./Searches.ts"

/**
 * A search's key: a digest of its configuration and its folder. The same configuration in the same folder is the same
 * search.
 */
export const searchKey = (config: SearchConfig, folder: string) =>
  Effect.map(sha256(canonical({ config, folder })), (digest) => digest.slice(0, 32))

const rounds = (config: SearchConfig, trials: ReadonlyArray<Trial>): SearchPayload["rungs"] => {
  const { strategy } = config
  const end = { keep: trials.length }
  if (strategy.kind !== "halving") return [end]
  // With halving, all trials have the same.
  const epochs = trials[0]?.config.train.epochs ?? 0
  const all = repeatedRungs(trials.length, repetitionsOf(config), { ...strategy, epochs }).map((rung) =>
    rung.epochs < epochs ? { until: rung.epochs, keep: rung.keep } : { keep: rung.keep }
  )
  return Array.isReadonlyArrayNonEmpty(all) ? all : [end]
}

/** A search to run; `places`: how many groups can be trained side by side. */
export const searchPayload = Effect.fnUntraced(function* (
  config: SearchConfig,
  trials: ReadonlyArray<Trial>,
  options: { readonly folder: string; readonly places: number }
) {
  return {
    key: yield* searchKey(config, options.folder),
    trials: yield* passengers(trials),
    rungs: rounds(config, trials),
    goal: config.objective.goal,
    places: options.places,
    most: config.together
  } satisfies SearchPayload
})
