import type { Interval } from "./wilson.ts"
import { wilson } from "./wilson.ts"

interface Counted {
  readonly hits: number
  readonly of: number
}

/**
 * The first of two shares of different samples less the second, and what it lies within at 95 %; null where one has no
 * samples.
 *
 * Newcombe's hybrid score interval, from the Wilson intervals (l, u) of the two shares p: below the difference lies
 * sqrt((p1 - l1)² + (u2 - p2)²), above it sqrt((u1 - p1)² + (p2 - l2)²). Source: Newcombe, Interval estimation for the
 * difference between independent proportions: comparison of eleven methods, 1998, method 10.
 */
export const differenceOfShares = (
  first: Counted,
  second: Counted
): { readonly difference: number; readonly interval: Interval } | null => {
  const a = wilson(first.hits, first.of)
  const b = wilson(second.hits, second.of)
  if (a === null || b === null) return null
  const p = first.hits / first.of
  const q = second.hits / second.of
  return {
    difference: p - q,
    interval: { low: p - q - Math.hypot(p - a.low, b.high - q), high: p - q + Math.hypot(a.high - p, q - b.low) }
  }
}
