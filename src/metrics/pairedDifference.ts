import type { Interval } from "./wilson.ts"
import { z95 } from "./wilson.ts"

/** Two models on the same samples. */
export interface PairedDifference {
  /** Samples that the second alone has right, and that the first alone has. */
  readonly gained: number
  readonly lost: number
  /** Accuracy of the second less that of the first, and what it lies within at 95 %. */
  readonly difference: number
  readonly interval: Interval
}

/**
 * By how much the second of two models is more accurate on the same samples; null where there are none.
 *
 * With b and c the samples that one of the two alone has right, of n: (b - c) / n, with the standard error
 * sqrt(b + c - (b - c)² / n) / n of paired proportions. It is narrower than what two separate intervals suggest, for what
 * both have right or wrong says nothing. Source: Agresti, Categorical Data Analysis, 2013, section 11.1 (McNemar, 1947).
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
  const difference = (gained - lost) / samples
  const error = Math.sqrt(gained + lost - (gained - lost) ** 2 / samples) / samples
  return { gained, lost, difference, interval: { low: difference - z95 * error, high: difference + z95 * error } }
}
