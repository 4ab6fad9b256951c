import { Array, Effect } from "effect"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import type { SearchConfig } from "./SearchConfig.ts"
import type { Group } from "./Group.ts"
import { insist } from "./insist.ts"
import type { Trial } from "./points.ts"

/** A trial's folder in its search's. */
export const trialFolder = (folder: string, id: string): string => `${folder}/trials/${id}`

/**
 * Trains the groups of a search on this machine, whose folder is given as this machine sees it; see `insist`.
 *
 * `deaths` is the number of processes that died over the group before.
 */
export const groupTrainer = (config: SearchConfig, trials: ReadonlyArray<Trial>, folder: string) => {
  const byId = new Map(trials.map((trial) => [trial.id, trial]))
  return Effect.fnUntraced(function* (
    { rung, trials, until }: Group,
    tell: (event: ProgressEvent) => Effect.Effect<void>,
    deaths = 0
  ) {
    const found = trials.flatMap((id) => {
      const trial = byId.get(id)
      return trial === undefined ? [] : [{ id, path: trialFolder(folder, id), config: trial.config }]
    })
    // The trials were made from the same configuration by the same version of Weft.
    if (!Array.isReadonlyArrayNonEmpty(found) || found.length < trials.length)
      return yield* Effect.die(new Error(`the search has no trials ${trials.join(", ")}`))
    const work = { rung, objective: config.objective, trials: found, ...(until !== undefined && { until }) }
    return yield* insist(work, tell, deaths)
  })
}
export type GroupTrainer = ReturnType<typeof groupTrainer>
