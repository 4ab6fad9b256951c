import { Effect } from "effect"
import { RunFolder } from "../RunFolder.ts"
import { Runs } from "../Runs.ts"
import { compare, comparisonCharts } from "./Comparison.ts"
import { comparisonPage } from "./comparisonPage.ts"
import { drawCharts } from "./drawCharts.ts"
import { analyse } from "./RunAnalysis.ts"
import { readRun } from "./RunFacts.ts"

/** The page that compares the runs in some folders, in their order. */
export const compareRuns = Effect.fn("compareRuns")(function* (paths: ReadonlyArray<string>) {
  const runs = yield* Effect.forEach(paths, (path) =>
    Effect.gen(function* () {
      const folder = yield* Runs.use((runs) => runs.existing(path))
      const facts = yield* Effect.provideService(readRun(), RunFolder, folder)
      return { facts, analysis: analyse(facts) }
    })
  )
  const compared = compare(runs)
  const drawn = yield* drawCharts(comparisonCharts(compared))
  return yield* comparisonPage(compared, drawn)
})
