import { elementAt } from "../pipeline/elementAt.ts"
import type { Sample } from "../pipeline/Sample.ts"
import type { TrainConfig } from "./TrainConfig.ts"

/**
 * One factor for each class, or none where all count alike.
 *
 * `balanced`: n / (classes * n_c), so that every class has the same part in the loss, and the mean factor of a sample
 * is 1. Source: scikit-learn's `compute_class_weight("balanced")`.
 */
export const classWeightsOf = (
  kind: TrainConfig["classWeights"],
  samples: ReadonlyArray<Pick<Sample, "label">>,
  classes: number
): Float32Array | undefined => {
  if (kind === "none") return undefined
  const counts = new Float64Array(classes)
  for (const { label } of samples) counts[label] = elementAt(counts, label) + 1
  return Float32Array.from(counts, (n) => (n === 0 ? 0 : samples.length / (classes * n)))
}
