import { draw } from "../pipeline/draw.ts"
import type { Confusion } from "./Confusion.ts"
import type { Interval } from "./wilson.ts"

/** A quantile of sorted numbers, by linear interpolation between the two nearest: numpy's default. */
export const quantile = (sorted: ArrayLike<number>, share: number): number => {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  return low + (at - below) * ((sorted[below + 1] ?? low) - low)
}

/** More draws than this take longer than a second: large parts need fewer repeats, for their intervals are narrow. */
const mostDraws = 2e7

/** How often a part of so many samples is drawn again. */
export const repeatsFor = (samples: number): number =>
  Math.max(200, Math.min(1000, Math.floor(mostDraws / Math.max(1, samples))))

/**
 * Percentile bootstrap intervals of figures of a confusion: the samples are drawn again with replacement, as many as
 * there are, `repeats` times, and each interval holds the middle `level` of its figure's values.
 *
 * A confusion has all that a figure such as F1 depends on: which class each sample has, and which one was predicted. The
 * draws depend on the seed alone. Null where nothing was counted.
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
 */
export const bootstrap = <Name extends string>(
  confusion: Confusion,
  figures: (confusion: Confusion) => Readonly<Record<Name, number>>,
  { level = 0.95, repeats, seed }: { readonly level?: number; readonly repeats?: number; readonly seed: number }
): Readonly<Record<Name, Interval>> | null => {
  const { classes, counts } = confusion
  const cells = Int32Array.from([...counts].flatMap((count, cell) => Array.from({ length: count }, () => cell)))
  if (cells.length === 0) return null
  const random = draw(seed, "bootstrap")
  const values = Array.from({ length: repeats ?? repeatsFor(cells.length) }, () => {
    const drawn = new Float64Array(classes * classes)
    for (let i = 0; i < cells.length; i++) drawn[cells[random.below(cells.length)]!]! += 1
    return figures({ classes, counts: drawn })
  })
  // The figures of every draw have the same names.
  const names = Object.keys(values[0]!) as Array<Name>
  const intervals = names.map((name) => {
    const sorted = Float64Array.from(values, (value) => value[name]).sort()
    return [name, { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) }] as const
  })
  // One entry for each name.
  return Object.fromEntries(intervals) as Record<Name, Interval>
}
