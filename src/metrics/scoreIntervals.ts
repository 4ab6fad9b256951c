import { elementAt } from "../pipeline/elementAt.ts"
import { margins } from "./Confusion.ts"
import type { Confusion } from "./Confusion.ts"
import type { MetricPath } from "./metrics.ts"
import { metrics } from "./metrics.ts"
import { countsOf } from "./scores.ts"
import type { Counts } from "./scores.ts"
import type { Interval } from "./wilson.ts"
import { wilson, z95 } from "./wilson.ts"

/** Imagined samples that are added to each class, so that a class of one sample does not count as known for certain. */
const imagined = 2

/**
 * The counts that are to be expected if each class is a little more like the others than it was seen to be. To a class of
 * n samples, `imagined` ones are added: they are as often correct as the mean class is, and their errors are spread as all
 * errors are. Then the class's row is scaled back to n.
 *
 * Without this, a class of one sample would not vary at all, nor would many classes with few samples.
 */
const shrunk = ({ classes, counts }: Confusion): Confusion => {
  const { correct, predicted, support } = margins({ classes, counts })
  const present = support.filter((samples) => samples > 0).length
  const recalls = support.reduce((sum, samples, i) => sum + (samples > 0 ? elementAt(correct, i) / samples : 0), 0)
  // One class more, half of it correct: no class is always correct.
  const right = classes === 1 ? 1 : (recalls + 0.5) / (present + 1)
  // One error more, spread over all classes.
  const wrongAs = predicted.map((times, i) => times - elementAt(correct, i) + 1 / classes)
  const errors = wrongAs.reduce((sum, times) => sum + times, 0)
  return {
    classes,
    counts: counts.map((count, cell) => {
      const row = Math.floor(cell / classes)
      const column = cell % classes
      const samples = elementAt(support, row)
      const usual =
        row === column ? right : ((1 - right) * elementAt(wrongAs, column)) / (errors - elementAt(wrongAs, row))
      return samples === 0 ? 0 : (samples * (count + imagined * usual)) / (samples + imagined)
    })
  }
}

/** The variance of a metric by the delta method: the sum over the counts of count * slope². */
const varianceOf = ({ classes, counts }: Counts, slope: (row: number, column: number) => number): number => {
  let variance = 0
  counts.forEach((count, cell) => {
    if (count > 0) variance += count * slope(Math.floor(cell / classes), cell % classes) ** 2
  })
  return variance
}

/** Wilson's interval of a value that varies as the share of so many samples would; `expected` has the variance. */
const within = (value: number, expected: number, variance: number): Interval => {
  const samples = variance > 0 ? (expected * (1 - expected)) / variance : Infinity
  return (Number.isFinite(samples) ? wilson(value * samples, samples, z95) : undefined) ?? { low: value, high: value }
}

/**
 * The 95 % confidence intervals of the metrics on other samples of the same kind, by their paths; without metrics that
 * have no value. `valueOf` gives a metric's value on the samples of `confusion`. Each interval holds that value.
 *
 * Shares of the samples: Wilson's interval. The others: the variance by the delta method (Takahashi, Yamamoto, Kuchiba
 * and Koyama, Confidence interval for micro-averaged F1 and macro-averaged F1 scores, 2022), at counts in which rare
 * classes are shrunk towards the mean class; then Wilson's interval for as many samples of a share with that variance
 * (Franco, Little, Louis and Slud, Comparative study of confidence intervals for proportions in complex sample surveys,
 * 2019).
 *
 * The intervals are of the classes that have samples; of a class without samples nothing is known. Where most classes
 * have only one or two samples, F1 itself is biased, and the coverage falls.
 */
export const scoreIntervals = (
  confusion: Confusion,
  valueOf: (metric: (typeof metrics)[number]) => number | null
): ReadonlyMap<MetricPath, Interval> => {
  const { total } = margins(confusion)
  if (total === 0) return new Map()
  const expected = countsOf(shrunk(confusion))
  return new Map(
    metrics.flatMap((metric): ReadonlyArray<readonly [MetricPath, Interval]> => {
      const value = valueOf(metric)
      if (value === null || metric.interval === undefined) return []
      if (metric.of === "counts" && metric.interval.method === "delta method") {
        const variance = varianceOf(expected, metric.interval.slopeAt(expected))
        return [[metric.path, within(value, metric.value(expected) ?? 0, variance)]]
      }
      const interval = wilson(Math.round(value * total), total)
      return interval === null ? [] : [[metric.path, interval]]
    })
  )
}
