import { Effect } from "effect"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import { metricsOf } from "../../model/measure.ts"
import { testReport } from "../../metrics/Report.ts"
import type { TestReport } from "../../metrics/Report.ts"
import type { MeasuredAlone } from "../evaluate/evaluateRuns.ts"
import { RunFolder } from "../RunFolder.ts"
import { drawCharts } from "./drawCharts.ts"
import { analyse } from "./RunAnalysis.ts"
import { runCharts } from "./runCharts.ts"
import type { RunFacts } from "./RunFacts.ts"
import { readRun } from "./RunFacts.ts"
import { partPage } from "./runPage.ts"
import { picturesOf } from "./writePages.ts"

/** The stored predictions, if they give the same confusion; otherwise the part has changed since they were stored. */
const matching = (stored: StoredPredictions | undefined, found: TestReport, temperature: number) => {
  if (stored === undefined) return undefined
  const again = testReport(metricsOf(numbersOf(stored), { temperature, bins: 2 }).evaluation, stored.labels)
  return JSON.stringify(again?.confusion) === JSON.stringify(found.confusion) ? stored : undefined
}

/** A run's facts with a part that was measured again in the place of the test part. */
const factsOf = (
  facts: RunFacts,
  { calibration, part, report, samples }: MeasuredAlone & { report: TestReport }
): RunFacts => {
  const stored = part === "train" ? undefined : facts[part]
  const { calibration: _, ...rest } = facts.report
  return {
    ...facts,
    gaps: [],
    validation: undefined,
    leakage: undefined,
    test: matching(stored, report, calibration?.temperature ?? 1),
    report: {
      ...rest,
      data: { ...rest.data, test: samples },
      test: report,
      ...(calibration && {
        calibration: {
          temperature: calibration.temperature,
          bins: calibration.binsAfter.length,
          validation: calibration,
          test: calibration
        }
      })
    }
  }
}

/**
 * Writes `report-PART.html` of a part that was measured again; gives the file's name, or nothing where the part is empty.
 * Photos are shown where the run has kept the same predictions of them.
 */
export const writePartPage = Effect.fn("writePartPage")(function* (found: MeasuredAlone) {
  const { part, report } = found
  if (report === null) return undefined
  const folder = yield* RunFolder
  const facts = factsOf(yield* readRun(), { ...found, report })
  const analysis = analyse(facts)
  const drawn = yield* drawCharts(runCharts(facts, analysis))
  const pictures = yield* picturesOf(facts, analysis)
  const file = `report-${part}.html` as const
  yield* folder.write(
    file,
    yield* partPage({ part, facts, analysis, charts: drawn, ...pictures, firstBatch: undefined, occlusion: undefined })
  )
  return file
})
