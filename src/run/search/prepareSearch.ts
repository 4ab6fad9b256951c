import { Effect, Schema } from "effect"
import { groupTrainer } from "./groupTrainer.ts"
import { searchPoints } from "./points.ts"
import type { Trial } from "./points.ts"
import { SearchConfig } from "./SearchConfig.ts"
import { Trainers } from "./Trainers.ts"

const parse = Schema.decodeEffect(Schema.fromJsonString(SearchConfig))

/**
 * Prepares a search that was begun elsewhere: checks that this machine has its data and engines, and returns a digest
 * of all its data, and the function that trains its groups.
 *
 * `folder`: the search's folder as this machine sees it; `data`: `data.root` of every trial, as configured where
 * undefined.
 */
export const prepareSearch = Effect.fn("prepareSearch")(function* (
  /** `config` is JSON. */
  search: { readonly name: string; readonly config: string },
  { data, folder }: { readonly folder: string; readonly data: string | undefined }
) {
  const config = yield* parse(search.config)
  const points = yield* searchPoints(config, search.name)
  const trials = points.trials.map((trial): Trial =>
    data === undefined || trial.config.data.sample !== undefined
      ? trial
      : { ...trial, config: { ...trial.config, data: { ...trial.config.data, root: data } } }
  )
  const digest = yield* Trainers.use(({ check }) => check(trials.map(({ config }) => config)))
  return { digest, train: groupTrainer(config, trials, folder) }
})
