import type { EpochNumber } from "../../metrics/Report.ts"
import type { PairedDifference } from "../../metrics/pairedDifference.ts"
import { pairedDifference } from "../../metrics/pairedDifference.ts"
import { predictions } from "../../metrics/topK.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"
import type { Chart, LineChart } from "./Chart.ts"
import type { RunAnalysis } from "./RunAnalysis.ts"
import type { RunFacts } from "./RunFacts.ts"

/** A run in a comparison. */
export interface Compared {
  readonly facts: RunFacts
  readonly analysis: RunAnalysis
  /** Its name; its path where two runs have the same name. */
  readonly name: string
  /** Compared with the first run, where both have stored predictions of the same photos. */
  readonly paired: PairedDifference | null
}

const rightOf = ({ test }: RunFacts): ReadonlyMap<string, boolean> => {
  if (test === undefined) return new Map()
  const { classes, labels, logits } = numbersOf(test)
  const predicted = predictions(logits, classes)
  // With the digest and the label, because either may have changed between two runs.
  return new Map(
    test.samples.map(({ digest, id, label }, row) => [
      JSON.stringify([id, digest, test.labels[label]]),
      predicted[row] === labels[row]
    ])
  )
}

const pairedTo = (first: ReadonlyMap<string, boolean>, facts: RunFacts) => {
  const own = rightOf(facts)
  if (own.size !== first.size || ![...own.keys()].every((sample) => first.has(sample))) return null
  return pairedDifference(
    [...first.values()],
    Array.from(first.keys(), (sample) => own.get(sample) ?? false)
  )
}

/** Runs side by side, in the order in which they are given. */
export const compare = (
  runs: ReadonlyArray<{ readonly facts: RunFacts; readonly analysis: RunAnalysis }>
): ReadonlyArray<Compared> => {
  const first = runs[0] === undefined ? new Map<string, boolean>() : rightOf(runs[0].facts)
  return runs.map(({ analysis, facts }, i) => ({
    facts,
    analysis,
    name: runs.some((other, j) => j !== i && other.facts.name === facts.name) ? facts.path : facts.name,
    paired: i === 0 || first.size === 0 ? null : pairedTo(first, facts)
  }))
}

const curves = (runs: ReadonlyArray<Compared>, title: string, label: string, key: EpochNumber): LineChart => ({
  kind: "lines",
  title,
  x: { label: "epoch", whole: true },
  y: { label, percent: label === "accuracy" },
  mark: runs.every(({ facts }) => facts.report.history.length <= 30) ? "both" : "line",
  series: runs.map(({ facts, name }) => ({
    name,
    points: facts.report.history.map((record) => ({ x: record.epoch, y: record[key] ?? null }))
  }))
})

/** The charts of a comparison, by their names. */
export const comparisonCharts = (runs: ReadonlyArray<Compared>): ReadonlyMap<string, Chart> =>
  new Map<string, Chart>([
    ["validation-loss", curves(runs, "Validation loss over epochs", "loss (nats)", "validationLoss")],
    ["validation-accuracy", curves(runs, "Validation accuracy over epochs", "accuracy", "validationAccuracy")],
    ["train-loss", curves(runs, "Training loss over epochs", "loss (nats)", "trainLoss")],
    ["learning-rate", curves(runs, "Learning rate over epochs", "learning rate", "learningRate")]
  ])
