import { Array, Effect } from "effect"
import type { SearchConfig } from "./SearchConfig.ts"
import type { Group } from "./Group.ts"
import type { Trial } from "./points.ts"
import type { GroupWork } from "./Trainers.ts"

/** A trial's folder in its search's. */
export const trialFolder = (folder: string, id: string): string => `${folder}/trials/${id}`

/** All that is needed to train a group of a search, whose folder is given as this machine sees it. */
export const workOf = (config: SearchConfig, trials: ReadonlyArray<Trial>, folder: string) => {
  const byId = new Map(trials.map((trial) => [trial.id, trial]))
  return ({ rung, trials, until }: Group): Effect.Effect<GroupWork> => {
    const found = trials.flatMap((id) => {
      const trial = byId.get(id)
      return trial === undefined ? [] : [{ id, path: trialFolder(folder, id), config: trial.config }]
    })
    // The trials were made from the same configuration by the same version of Weft.
    return Array.isReadonlyArrayNonEmpty(found) && found.length === trials.length
      ? Effect.succeed({ rung, objective: config.objective, trials: found, ...(until !== undefined && { until }) })
      : Effect.die(new Error(`the search has no trials ${trials.join(", ")}`))
  }
}
