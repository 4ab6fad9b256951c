import type { Interval } from "./wilson.ts"
import { z95 } from "./wilson.ts"

/** Two models on the same samples. */
export interface PairedDifference {
  /** Samples that only the second model predicts correctly, and that only the first does. */
  readonly gained: number
  readonly lost: number
  /** Accuracy of the second less that of the first, and what it lies within at 95 %. */
  readonly difference: number
  readonly interval: Interval
}

/**
 * By how much the second of two models is more accurate on the same samples; null where there are none.
 *
 * With b and c the samples of n that only the second and only the first predicts correctly: (b - c) / n, within (b - c) / (n + 2) ±
 * z sqrt(p + q - (p - q)²) / sqrt(n + 2) with p = (b + 1) / (n + 2) and q = (c + 1) / (n + 2). It is narrower than two
 * separate intervals suggest, because samples on which both agree do not count; and it is not empty where the two never
 * differ, because on other samples they may. Source: Bonett and Price, Adjusted Wald Confidence Interval for a Difference of
 * Binomial Proportions Based on Paired Data, 2012; recommended by Fagerland, Lydersen and Laake, Recommended tests and
 * confidence intervals for paired binomial proportions, 2014.
 */
export const pairedDifference = (
  first: ReadonlyArray<boolean>,
  second: ReadonlyArray<boolean>
): PairedDifference | null => {
  const samples = first.length
  if (samples === 0 || second.length !== samples) return null
  let gained = 0
  let lost = 0
  first.forEach((isRight, i) => {
    if (second[i] && !isRight) gained++
    if (isRight && !second[i]) lost++
  })
  const centre = (gained - lost) / (samples + 2)
  const error = Math.sqrt(((gained + lost + 2) / (samples + 2) - centre ** 2) / (samples + 2))
  return {
    gained,
    lost,
    difference: (gained - lost) / samples,
    interval: { low: Math.max(-1, centre - z95 * error), high: Math.min(1, centre + z95 * error) }
  }
}
