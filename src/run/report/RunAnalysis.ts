import { elementAt } from "../../pipeline/elementAt.ts"
import type { CalibrationMetrics, Predictions } from "../../metrics/calibration.ts"
import { calibrationMetrics, cooled } from "../../metrics/calibration.ts"
import { classOrder } from "../../metrics/classOrder.ts"
import type { ConfusedPair } from "../../metrics/confusedPairs.ts"
import { confusedPairs, enoughFirst, enoughSamples } from "../../metrics/confusedPairs.ts"
import type { Confusion } from "../../metrics/Confusion.ts"
import * as Confusions from "../../metrics/Confusion.ts"
import type { Coverage } from "../../metrics/coverage.ts"
import { coverageCurve } from "../../metrics/coverage.ts"
import { softmax } from "../../metrics/crossEntropy.ts"
import { fitTemperature } from "../../metrics/fitTemperature.ts"
import type { Answer } from "../../metrics/mistakes.ts"
import { answers, topLosses } from "../../metrics/mistakes.ts"
import type { TestReport } from "../../metrics/Report.ts"
import type { MetricPath } from "../../metrics/metrics.ts"
import { averagePrecisions } from "../../metrics/metrics/averagePrecision.ts"
import { valueIn } from "../../metrics/metrics.ts"
import type { PrecisionRecall } from "../../metrics/precisionRecall.ts"
import { precisionRecallCurve } from "../../metrics/precisionRecall.ts"
import { scoreIntervals } from "../../metrics/scoreIntervals.ts"
import type { Interval } from "../../metrics/wilson.ts"
import type { StoredPredictions, StoredSample } from "../../model/StoredPredictions.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import type { LikelyLabelError } from "./likelyLabelErrors.ts"
import type { LeakageAnalysis } from "./leakageAnalysis.ts"
import { leakageAnalysis } from "./leakageAnalysis.ts"
import { likelyLabelErrors } from "./likelyLabelErrors.ts"
import type { ColumnFacts } from "./columnFacts.ts"
import { columnFacts } from "./columnFacts.ts"
import type { RunFacts } from "./RunFacts.ts"

/** How many of each a page shows. */
export const shown = {
  losses: 24,
  labelErrors: 24,
  namedLabelErrors: 200,
  pairs: 8,
  ofPair: 4,
  coverage: 100,
  curves: 6,
  ofCurve: 60
} as const

/** With more classes than this a matrix cannot be read; the page lists pairs instead. */
export const mostClasses = 200

/** The bins of a reliability curve, where no calibration is configured. Source: Guo et al., 2017. */
const usualBins = 15

/** A photo that a page shows, and its prediction. */
export interface ShownSample extends StoredSample {
  readonly labelName: string
  readonly predictedName: string
  readonly probability: number
  readonly labelProbability: number
  readonly loss: number
}

/** Two classes that are confused, with photos: mistaken ones, and ones of the other class that were predicted correctly. */
export interface ShownPair extends ConfusedPair {
  readonly mistaken: ReadonlyArray<ShownSample>
  readonly others: ReadonlyArray<ShownSample>
}

/** The curve of a class. */
export interface ShownCurve {
  readonly label: string
  readonly averagePrecision: number
  readonly points: ReadonlyArray<PrecisionRecall>
}

/** The analysis of a run's test part. */
export interface TestAnalysis {
  readonly test: TestReport
  readonly confusion: Confusion
  /** Indexes of the classes; undefined where there are too many for a matrix. */
  readonly order: ReadonlyArray<number> | undefined
  /** At 95 %, of the metrics that have one. */
  readonly intervals: ReadonlyMap<MetricPath, Interval>
  readonly pairs: ReadonlyArray<ShownPair>
  readonly losses: ReadonlyArray<ShownSample>
  readonly coverage: ReadonlyArray<Coverage>
  /** Of each class, null where it has no samples; empty where the predictions are not known. */
  readonly averagePrecisions: ReadonlyArray<number | null>
  /** The curves that the page draws: of all classes where they are few, of the hardest ones otherwise. */
  readonly precisionRecall: ReadonlyArray<ShownCurve>
  readonly calibration: {
    readonly temperature: number
    /** Whether the model uses this temperature. */
    readonly applied: boolean
    readonly metrics: CalibrationMetrics
  } | null
}

/** The analysis of a run's metrics and predictions; it depends on the run's folder alone. */
export interface RunAnalysis extends ColumnAnalysis {
  /** Of each label column, in their order, where there are several; the first one's is the rest of this. */
  readonly columns: ReadonlyArray<ColumnFacts & { readonly analysis: ColumnAnalysis }>
  /** Photos whose training labels were treated, as far as they are shown. */
  readonly treated: ReadonlyArray<ShownPhoto>
}

/** The analysis of the metrics and predictions in one label column. */
export interface ColumnAnalysis {
  readonly test: TestAnalysis | null
  /** Null where it is not known what the parts share. */
  readonly leakage: LeakageAnalysis | null
  readonly labelErrors: {
    /** The temperature of the probabilities. */
    readonly temperature: number
    /** Samples that are shown with their photo, and further ones that are only named. */
    readonly photos: ReadonlyArray<LikelyLabelError>
    readonly named: ReadonlyArray<LikelyLabelError>
    /** How many were found, and among how many photos. */
    readonly total: number
    readonly samples: number
  }
}

/** The stored logits with the run's temperature: the predictions as the model is used. */
const used = (stored: StoredPredictions, temperature: number): Predictions => {
  const numbers = numbersOf(stored)
  return { ...numbers, logits: cooled(numbers.logits, temperature) }
}

const sampleOf = ({ labels, samples }: StoredPredictions, answer: Answer): ShownSample => ({
  ...elementAt(samples, answer.sample),
  labelName: elementAt(labels, answer.label),
  predictedName: elementAt(labels, answer.predicted),
  probability: answer.probability,
  labelProbability: answer.labelProbability,
  loss: answer.loss
})

const mostConfident = (a: Answer, b: Answer) => b.probability - a.probability || a.sample - b.sample

const pairsOf = (
  confusion: Confusion,
  labels: ReadonlyArray<string>,
  stored: StoredPredictions | undefined,
  all: ReadonlyArray<Answer>
) =>
  confusedPairs(confusion, labels, shown.pairs).map((pair): ShownPair => {
    const [label, predicted] = [labels.indexOf(pair.trueLabel), labels.indexOf(pair.predictedLabel)]
    const those = (isMeant: (answer: Answer) => boolean) =>
      stored === undefined
        ? []
        : all
            .filter(isMeant)
            .sort(mostConfident)
            .slice(0, shown.ofPair)
            .map((answer) => sampleOf(stored, answer))
    return {
      ...pair,
      mistaken: those((answer) => answer.label === label && answer.predicted === predicted),
      others: those((answer) => answer.label === predicted && answer.predicted === predicted)
    }
  })

/** The configured calibration; where there is none, one that is fitted on the validation part now. */
const calibrationOf = ({ config, report, test, validation }: RunFacts): TestAnalysis["calibration"] => {
  const applied = report.calibration
  if (applied !== undefined)
    return applied.test && { temperature: applied.temperature, applied: true, metrics: applied.test }
  if (test === undefined || validation === undefined || validation.samples.length === 0) return null
  const temperature = fitTemperature(numbersOf(validation))
  const metrics = calibrationMetrics(numbersOf(test), temperature, config.calibration?.bins ?? usualBins)
  return { temperature, applied: false, metrics }
}

/** Precision over recall; nothing where a probability is not a number. */
const curvesOf = (test: TestReport, numbers: Predictions | undefined) => {
  const none = { averagePrecisions: [], precisionRecall: [] }
  if (numbers === undefined) return none
  const { classes, labels, logits } = numbers
  const scores = softmax(logits, classes)
  if (!scores.every(Number.isFinite)) return none
  const found = averagePrecisions(scores, labels, classes)
  const precisionRecall = test.perClass
    .flatMap(({ label, support }, index) => {
      const averagePrecision = found[index] ?? null
      return averagePrecision === null ? [] : [{ label, support, index, averagePrecision }]
    })
    .sort((a, b) => enoughFirst(a, b) || a.averagePrecision - b.averagePrecision)
    .filter(({ support }) => support >= enoughSamples || classes <= shown.curves)
    .slice(0, shown.curves)
    .map(({ averagePrecision, index, label }): ShownCurve => ({
      label,
      averagePrecision,
      points: precisionRecallCurve(scores, labels, classes, index, shown.ofCurve) ?? []
    }))
  return { averagePrecisions: found, precisionRecall }
}

const testAnalysis = (facts: RunFacts, test: TestReport): TestAnalysis => {
  const { report, test: stored } = facts
  const confusion = Confusions.fromRows(test.confusion)
  const labels = test.perClass.map(({ label }) => label)
  const numbers = stored && used(stored, report.calibration?.temperature ?? 1)
  const all = numbers === undefined ? [] : answers(numbers)
  return {
    test,
    confusion,
    order: labels.length <= mostClasses ? classOrder(confusion) : undefined,
    intervals: scoreIntervals(confusion, (metric) => valueIn(test, metric)),
    pairs: pairsOf(confusion, labels, stored, all),
    losses: stored === undefined ? [] : topLosses(all, shown.losses).map((answer) => sampleOf(stored, answer)),
    coverage: numbers === undefined ? [] : coverageCurve(numbers, shown.coverage),
    ...curvesOf(test, numbers),
    calibration: calibrationOf(facts)
  }
}

const labelErrorsOf = ({ test, validation }: RunFacts): ColumnAnalysis["labelErrors"] => {
  const parts = [test, validation].filter((part) => part !== undefined)
  const { errors, temperature } = likelyLabelErrors(parts)
  return {
    temperature,
    photos: errors.slice(0, shown.labelErrors),
    named: errors.slice(shown.labelErrors, shown.namedLabelErrors),
    total: errors.length,
    samples: parts.reduce((sum, { samples }) => sum + samples.length, 0)
  }
}

/** A column with several values has metrics, and neither confusions nor photos that are taken for another class. */
const severalAnalysis = ({ report }: RunFacts): ColumnAnalysis => ({
  test: report.test && {
    test: report.test,
    confusion: Confusions.empty(0),
    order: undefined,
    intervals: new Map(),
    pairs: [],
    losses: [],
    coverage: [],
    averagePrecisions: report.test.perClass.map(({ averagePrecision }) => averagePrecision ?? null),
    precisionRecall: [],
    calibration: report.calibration?.test
      ? { temperature: report.calibration.temperature, applied: true, metrics: report.calibration.test }
      : null
  },
  leakage: null,
  labelErrors: { temperature: 1, photos: [], named: [], total: 0, samples: 0 }
})

const oneAnalysis = (facts: RunFacts): ColumnAnalysis => ({
  test: facts.report.test && testAnalysis(facts, facts.report.test),
  leakage: facts.leakage === undefined ? null : leakageAnalysis(facts, facts.leakage),
  labelErrors: labelErrorsOf(facts)
})

/** Computes what a run's page shows beyond its report. */
export const analyse = (facts: RunFacts): RunAnalysis => {
  const columns = columnFacts(facts).map((column) => ({
    ...column,
    analysis: (column.values === "one" ? oneAnalysis : severalAnalysis)(column.facts)
  }))
  const { noise } = facts
  const treated = (noise?.columns ?? []).flatMap(({ name }) =>
    (noise?.rows ?? []).filter(({ column }) => column === name).slice(0, shown.labelErrors)
  )
  return { ...(columns[0]?.analysis ?? oneAnalysis(facts)), columns, treated }
}

/** Which file a page shows a picture of. */
export type ShownPhoto = Pick<StoredSample, "digest" | "file">

/** The photos that a page shows, each once. */
export const shownSamples = (analysis: RunAnalysis): ReadonlyArray<ShownPhoto> => {
  const each = analysis.columns.length === 0 ? [analysis] : analysis.columns.map((column) => column.analysis)
  const all = each.flatMap(({ labelErrors, leakage, test }): ReadonlyArray<ShownPhoto> => [
    ...(leakage?.photos ?? []),
    ...(test?.losses ?? []),
    ...(test?.pairs ?? []).flatMap(({ mistaken, others }) => [...mistaken, ...others]),
    ...labelErrors.photos
  ])
  return [...new Map([...all, ...analysis.treated].map((sample) => [sample.file, sample])).values()]
}
