import { studentT } from "./studentT.ts"
import type { Interval } from "./wilson.ts"

/** A metric over several trainings. */
export interface RepeatedMean {
  readonly mean: number
  /** The standard deviation of the values (with n - 1). */
  readonly deviation: number
  /** The 95 % confidence interval of the mean. */
  readonly interval: Interval
}

/**
 * The mean of a metric over two or more trainings that differ in their seeds, their folds or both, with its interval by
 * Student's t; null for fewer.
 *
 * `folds`: of a cross-validation, how many. Trainings on other folds share most of their samples, and are not independent,
 * so that the variance of their mean is not s² / n but s² (1 / n + r), where r is the samples that one validates on for each
 * that it trains on: 1 / (folds - 1). Sources: Nadeau and Bengio, Inference for the Generalization Error, 2003; for repeated
 * cross-validation, Bouckaert and Frank, Evaluating the Replicability of Significance Tests, 2004.
 */
export const repeatedMean = (values: ReadonlyArray<number>, folds: number | undefined): RepeatedMean | null => {
  const n = values.length
  if (n < 2) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const shared = folds === undefined ? 0 : 1 / (folds - 1)
  const half = studentT(n - 1) * Math.sqrt(variance * (1 / n + shared))
  return { mean, deviation: Math.sqrt(variance), interval: { low: mean - half, high: mean + half } }
}
