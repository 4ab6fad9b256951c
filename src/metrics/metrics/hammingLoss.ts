import type { PredictionMetric } from "./Metric.ts"

const sumOf = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0)

/** Share of wrong answers among all pairs of a sample and a class, in a column with several values. */
export const hammingLoss: PredictionMetric<"hammingLoss", "several"> = {
  path: "hammingLoss",
  presence: "several",
  title: "Hamming loss",
  meaning: "share of the pairs of a sample and a class that are answered wrongly; of label columns with several values",
  source: "scikit-learn's `hamming_loss`",
  range: [0, 1],
  better: "lower",
  unit: "%",
  decimals: 2,
  shown: ["summary", "page", "modelCard"],
  of: "predictions",
  // With one value a sample there is no such metric: it would be twice the share of wrong predictions over the classes.
  value: () => null,
  several: ({ classes, correct, predicted, samples, support }) =>
    samples === 0 ? null : (sumOf(support) + sumOf(predicted) - 2 * sumOf(correct)) / (samples * classes)
}
