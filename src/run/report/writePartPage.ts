import { Effect } from "effect"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { columnsOf } from "../../model/StoredPredictions.ts"
import { metricsOf } from "../../model/measure.ts"
import { predictionsOf } from "../../model/measureColumns.ts"
import { reportOf } from "../../metrics/Report.ts"
import type { TestReport, TestReports } from "../../metrics/Report.ts"
import type { MeasuredAlone } from "../evaluate/evaluateRuns.ts"
import { RunFolder } from "../RunFolder.ts"
import { drawCharts } from "./drawCharts.ts"
import { analyse } from "./RunAnalysis.ts"
import { runCharts } from "./runCharts.ts"
import type { RunFacts } from "./RunFacts.ts"
import { readRun } from "./RunFacts.ts"
import { partPage } from "./runPage.ts"
import { picturesOf } from "./writePages.ts"

/** What is right and what is mistaken, of each class; an average precision may differ in its last digits. */
const counted = ({ confusion, perClass }: TestReport): string =>
  JSON.stringify([confusion, perClass.map(({ f1, precision, recall, support }) => [precision, recall, f1, support])])

/** A label column's temperature; 1 where it has none. */
const temperatureOf = ({ report: { calibration } }: RunFacts, name: string): number =>
  (calibration?.columns === undefined ? calibration : calibration.columns[name])?.temperature ?? 1

/**
 * The stored predictions, if they are right and mistaken where the measured ones are, in every label column; otherwise
 * the part has changed since they were stored.
 */
const matching = (facts: RunFacts, stored: StoredPredictions | undefined, found: TestReports) => {
  if (stored === undefined) return undefined
  const isSame = columnsOf(stored).every(({ classes, index, name }) => {
    const report = found.columns?.[name] ?? (index === 0 ? found : undefined)
    if (report === undefined) return false
    const thresholds = report.perClass.map(({ threshold }) => threshold ?? 0.5)
    const fitted = { temperature: temperatureOf(facts, name), bins: 2 }
    const again = metricsOf(predictionsOf(stored, index), fitted, thresholds)
    return counted(reportOf(again.evaluation, classes)) === counted(report)
  })
  return isSame ? stored : undefined
}

/** What the run's calibration does in a part that was measured again, in each label column that has one. */
const calibrationOf = (
  facts: RunFacts,
  { calibration, calibrationColumns }: MeasuredAlone
): RunFacts["report"]["calibration"] => {
  if (calibration === undefined) return undefined
  const columns = Object.entries(calibrationColumns ?? {}).map(([name, metrics]) => {
    const temperature = temperatureOf(facts, name)
    return [name, { temperature, validation: metrics, test: metrics }] as const
  })
  return {
    temperature: calibration.temperature,
    bins: calibration.binsAfter.length,
    validation: calibration,
    test: calibration,
    ...(columns.length > 0 && { columns: Object.fromEntries(columns) })
  }
}

/** A run's facts with a part that was measured again in the place of the test part. */
const factsOf = (facts: RunFacts, found: MeasuredAlone & { report: TestReports }): RunFacts => {
  const { part, report, samples } = found
  const stored = part === "train" ? undefined : facts[part]
  const { calibration: _, unseenPairs: __, ...rest } = facts.report
  const calibration = calibrationOf(facts, found)
  return {
    ...facts,
    gaps: [],
    validation: undefined,
    leakage: undefined,
    noise: undefined,
    test: matching(facts, stored, report),
    report: {
      ...rest,
      data: { ...rest.data, test: samples },
      test: report,
      ...(calibration && { calibration })
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
