import type { CountMetric } from "./Metric.ts"
import { everywhere } from "./Metric.ts"

/** Share of correct predictions. */
export const accuracy: CountMetric<"accuracy", "nullable"> = {
  path: "accuracy",
  presence: "nullable",
  title: "accuracy",
  meaning:
    "share of the samples whose predicted class is the true one; in a column with several values, of those whose classes are all right (subset accuracy)",
  source: "scikit-learn's `accuracy_score`",
  range: [0, 1],
  better: "higher",
  unit: "%",
  decimals: 1,
  shown: everywhere,
  huggingFace: "accuracy",
  of: "counts",
  value: ({ correct, total }) => (total === 0 ? null : correct.reduce((sum, count) => sum + count, 0) / total),
  several: ({ exact, samples }) => (samples === 0 ? null : exact / samples),
  interval: { method: "Wilson" }
}
