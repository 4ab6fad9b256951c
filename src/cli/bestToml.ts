import { Effect, Schema } from "effect"
import { objectiveName } from "../run/search/objective.ts"
import { isTable } from "../config/configTable.ts"
import { numberText } from "../metrics/numberText.ts"
import { tomlText } from "../layers/terminal/tomlText.ts"
import type { SearchResult } from "../run/search/SearchResult.ts"
import { bestSetting, repetitionText, settingResults } from "../run/search/SettingResult.ts"
import { settingsText } from "../run/search/settings.ts"
import { RunConfig } from "../config/RunConfig.ts"
import type { Trial } from "../run/search/points.ts"
import { shellWord } from "./shellWord.ts"
import { weftCommand } from "../config/weftCommand.ts"

/**
 * The winner's configuration as a file for `pipeline:train`; undefined where there is no winner. `folder` is the
 * search's folder, relative to where the search was started.
 */
export const bestToml = Effect.fnUntraced(function* (
  search: SearchResult,
  trials: ReadonlyArray<Trial>,
  folder: string
) {
  const first = bestSetting(search)
  const trial = trials.find(({ id }) => id === first?.trials[0].id)
  if (first === undefined || first.metric === null || trial === undefined) return undefined
  const { name, objective } = search.config
  const isMean = first.spread !== null
  const trained = isMean ? `settings, each trained on ${repetitionText(search.config)},` : "trials"
  const number = isMean ? settingResults(search).length : search.trials.length
  // A configuration that was decoded can be encoded; a struct is a table.
  const table: unknown = yield* Effect.orDie(Schema.encodeEffect(RunConfig)(trial.plain))
  return tomlText(
    isTable(table) ? table : {},
    [
      `The best of ${number} ${trained} of the search ${name}: ${first.id}, ${isMean ? "mean " : ""}${objectiveName(objective)} ${numberText(first.metric)}.`,
      `Its own settings: ${settingsText(trial.settings)}.`,
      ...(isMean ? ["It is a run on the split itself: without a fold, and with the base's seed."] : []),
      `  ${weftCommand(`train --config ${shellWord(`${folder}/best.toml`)}`)}`
    ].join("\n")
  )
})
