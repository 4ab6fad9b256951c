import { elementAt } from "../../pipeline/elementAt.ts"
import type { Counts } from "../scores.ts"
import type { CountMetric } from "./Metric.ts"

/** Numbers of correct predictions, observed and expected by chance, each times the number of samples. */
export const chanceOf = ({ correct, predicted, support }: Counts) => ({
  right: correct.reduce((sum, count) => sum + count, 0),
  chance: support.reduce((sum, samples, i) => sum + samples * elementAt(predicted, i), 0)
})

const squared = (counts: Float64Array) => counts.reduce((sum, count) => sum + count * count, 0)

/** Matthews' correlation of predictions and labels, for many classes. */
export const matthews: CountMetric<"matthews", "nullable"> = {
  path: "matthews",
  presence: "nullable",
  title: "Matthews correlation",
  meaning: "correlation of predictions and labels; 0 where one side has one class only",
  source: "Gorodkin, 2004; scikit-learn's `matthews_corrcoef`",
  range: [-1, 1],
  better: "higher",
  unit: "",
  decimals: 4,
  shown: [],
  of: "counts",
  value: (counts) => {
    const { predicted, support, total } = counts
    const { chance, right } = chanceOf(counts)
    const spread = (total * total - squared(support)) * (total * total - squared(predicted))
    return total === 0 ? null : spread === 0 ? 0 : (right * total - chance) / Math.sqrt(spread)
  }
}
