import { Effect } from "effect"
import { RunFolder } from "../RunFolder.ts"
import { bestSetting } from "../search/SettingResult.ts"
import { Runs } from "../Runs.ts"
import { readSearch } from "../search/searchFile.ts"
import { Charts } from "./Charts.ts"
import { drawCharts } from "./drawCharts.ts"
import { searchCharts } from "./searchCharts.ts"
import { searchPage } from "./searchPage.ts"
import { writePages } from "./writePages.ts"

/**
 * Writes `report.html` and `charts/*.svg` of a search, finished or not, from its `search.json`, and the own
 * pages of the best setting's trials.
 */
export const writeSearchPage = Effect.fn("writeSearchPage")(function* () {
  const folder = yield* RunFolder
  const charts = yield* Charts
  const search = yield* readSearch
  const all = searchCharts(search)
  const drawn = yield* drawCharts(all)
  for (const [name, chart] of all) yield* folder.write(`charts/${name}.svg`, yield* charts.svg(chart, { for: "paper" }))
  yield* folder.write("report.html", yield* searchPage(search, drawn))
  for (const { folder: best } of bestSetting(search)?.trials ?? []) {
    const trial = yield* Runs.use((runs) => runs.existing(`${folder.path}/${best}`))
    yield* Effect.provideService(writePages(), RunFolder, trial)
  }
})

/** Writes the page of a folder: a run's or a search's. */
export const writeReport = Effect.fn("writeReport")(function* () {
  const folder = yield* RunFolder
  return yield* (yield* folder.has("search.json")) ? writeSearchPage() : writePages()
})
