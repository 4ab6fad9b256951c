import { topKCorrect } from "../topK.ts"
import type { PredictionMetric } from "./Metric.ts"

/** Share of the samples whose true class is among the `k` most probable ones. */
const topKAccuracy = <K extends number, P extends "nullable" | "added">(
  k: K,
  presence: P
): PredictionMetric<`top${K}Accuracy`, P> => ({
  path: `top${k}Accuracy`,
  presence,
  title: `top-${k} accuracy`,
  head: `top ${k}`,
  meaning: `share of the samples whose true class is among the ${k} most probable ones; null for ${k} classes or fewer, where it always is`,
  source: "scikit-learn's `top_k_accuracy_score`; at ties the lower class index comes first",
  range: [0, 1],
  better: "higher",
  unit: "%",
  decimals: 1,
  shown: ["summary", "page"],
  of: "predictions",
  value: ({ predictions: { classes, labels, logits }, samples }) =>
    classes > k && samples > 0 ? topKCorrect(logits, labels, classes, k) / samples : null,
  interval: { method: "Wilson" }
})

export const top3Accuracy = topKAccuracy(3, "added")
export const top5Accuracy = topKAccuracy(5, "nullable")
