import { Effect, Schema } from "effect"
import { objectiveName } from "../run/search/objective.ts"
import { isTable } from "../config/configTable.ts"
import { numberText } from "../metrics/numberText.ts"
import { tomlText } from "../layers/terminal/tomlText.ts"
import type { SearchResult } from "../run/search/SearchResult.ts"
import { winner } from "../run/search/SearchResult.ts"
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
  const first = winner(search)
  const trial = trials.find(({ id }) => id === first?.id)
  if (first === undefined || first.metric === null || trial === undefined) return undefined
  const { name, objective } = search.config
  // A configuration that was decoded can be encoded; a struct is a table.
  const table: unknown = yield* Effect.orDie(Schema.encodeEffect(RunConfig)(trial.config))
  return tomlText(
    isTable(table) ? table : {},
    [
      `The best of ${search.trials.length} trials of the search ${name}: ${trial.id}, ${objectiveName(objective)} ${numberText(first.metric)}.`,
      `Its own settings: ${settingsText(trial.settings)}.`,
      `  ${weftCommand(`train --config ${shellWord(`${folder}/best.toml`)}`)}`
    ].join("\n")
  )
})
