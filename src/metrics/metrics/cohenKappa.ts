import { chanceOf } from "./matthews.ts"
import type { CountMetric } from "./Metric.ts"

/** Agreement of predictions and labels beyond chance: (observed - expected) / (1 - expected). */
export const cohenKappa: CountMetric<"cohenKappa", "nullable"> = {
  path: "cohenKappa",
  presence: "nullable",
  title: "Cohen's kappa",
  meaning: "agreement beyond chance; null where one class is all that is there and all that was predicted",
  source: "Cohen, 1960; scikit-learn's `cohen_kappa_score`",
  range: [-1, 1],
  better: "higher",
  unit: "",
  decimals: 4,
  shown: [],
  of: "counts",
  value: (counts) => {
    const { total } = counts
    const { chance, right } = chanceOf(counts)
    return total * total === chance ? null : (right * total - chance) / (total * total - chance)
  }
}
