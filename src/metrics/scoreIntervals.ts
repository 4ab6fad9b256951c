import { margins } from "./Confusion.ts"
import type { Confusion } from "./Confusion.ts"
import { scores } from "./scores.ts"
import type { Interval } from "./wilson.ts"
import { wilson, z95 } from "./wilson.ts"

/** What each of a confusion's scores lies within, at 95 %. */
export interface ScoreIntervals {
  readonly accuracy: Interval
  readonly weightedF1: Interval
  readonly macroF1: Interval
  readonly balancedAccuracy: Interval
}

/** Imagined samples that are added to each class: they keep a class of one sample from counting as known for sure. */
const imagined = 2

/**
 * The counts that are to be expected where each class is a little more like the others than it was seen to be: to a class
 * of n samples `imagined` ones are added that are right as often as the mean class is, and wrong as all errors are; then
 * its row is brought back to n.
 *
 * As counted, a class of one sample varies by nothing, and so do many in a long tail.
 */
const shrunk = ({ classes, counts }: Confusion): Confusion => {
  const { correct, predicted, support } = margins({ classes, counts })
  const present = support.filter((samples) => samples > 0).length
  const recalls = support.reduce((sum, samples, i) => sum + (samples > 0 ? correct[i]! / samples : 0), 0)
  // One class more, half right: no class is right always.
  const right = classes === 1 ? 1 : (recalls + 0.5) / (present + 1)
  // One error more, spread over all classes.
  const wrongAs = predicted.map((times, i) => times - correct[i]! + 1 / classes)
  const errors = wrongAs.reduce((sum, times) => sum + times, 0)
  return {
    classes,
    counts: counts.map((count, cell) => {
      const row = Math.floor(cell / classes)
      const column = cell % classes
      const samples = support[row]!
      const usual = row === column ? right : ((1 - right) * wrongAs[column]!) / (errors - wrongAs[row]!)
      return samples === 0 ? 0 : (samples * (count + imagined * usual)) / (samples + imagined)
    })
  }
}

/**
 * By how much each score moves with one sample more of class `row` that is predicted as class `column`: the derivatives
 * of the scores with respect to the counts.
 *
 * With TP, S and P a class's right predictions, samples and predictions: F = 2 TP / (S + P), so that
 * dF = (2 dTP - F (dS + dP)) / (S + P).
 */
const slopes = (confusion: Confusion) => {
  const { classes } = confusion
  const { correct, predicted, support, total } = margins(confusion)
  const present = support.filter((samples) => samples > 0).length
  const size = support.map((samples, i) => samples + predicted[i]!)
  const f1 = correct.map((right, i) => (size[i] === 0 ? 0 : (2 * right) / size[i]!))
  const weighted = support.reduce((sum, samples, i) => sum + samples * f1[i]!, 0) / total
  return (row: number, column: number) => {
    const isRight = row === column
    const ofRow = ((isRight ? 2 - f1[row]! : 0) - f1[row]!) / size[row]!
    // A class that is predicted has a size above 0.
    const ofColumn = isRight ? 0 : -f1[column]! / size[column]!
    return {
      weightedF1: (f1[row]! + support[row]! * ofRow + support[column]! * ofColumn - weighted) / total,
      macroF1: (ofRow + ofColumn) / classes,
      balancedAccuracy: ((isRight ? 1 : 0) - correct[row]! / support[row]!) / (support[row]! * present)
    }
  }
}

/** Wilson's interval of a score that varies as the share of so many samples would. */
const within = (
  score: number,
  { score: expected, variance }: { readonly score: number; readonly variance: number }
) => {
  const samples = variance > 0 ? (expected * (1 - expected)) / variance : Infinity
  return (Number.isFinite(samples) ? wilson(score * samples, samples, z95) : undefined) ?? { low: score, high: score }
}

/**
 * What accuracy, F1 and balanced accuracy lie within at 95 % on other samples of the same kind; null where nothing was
 * counted. Each interval holds the score itself.
 *
 * Accuracy: Wilson's interval. The others: the variance by the delta method (Takahashi, Yamamoto, Kuchiba and Koyama,
 * Confidence interval for micro-averaged F1 and macro-averaged F1 scores, 2022), at counts in which rare classes are
 * shrunk towards the mean class; then Wilson's interval for as many samples of a share with that variance (Franco,
 * Little, Louis and Slud, Comparative study of confidence intervals for proportions in complex sample surveys, 2019).
 *
 * It is of the classes that have samples: of a class without one nothing is known. Where most classes have only one or
 * two samples, F1 itself is biased, and the coverage falls.
 */
export const scoreIntervals = (confusion: Confusion): ScoreIntervals | null => {
  const { classes } = confusion
  const { correct, total } = margins(confusion)
  const accuracy = wilson(
    correct.reduce((sum, count) => sum + count, 0),
    total
  )
  if (accuracy === null) return null
  const expected = shrunk(confusion)
  const slopeAt = slopes(expected)
  const variance = { weightedF1: 0, macroF1: 0, balancedAccuracy: 0 }
  expected.counts.forEach((count, cell) => {
    if (count === 0) return
    const slope = slopeAt(Math.floor(cell / classes), cell % classes)
    variance.weightedF1 += count * slope.weightedF1 ** 2
    variance.macroF1 += count * slope.macroF1 ** 2
    variance.balancedAccuracy += count * slope.balancedAccuracy ** 2
  })
  const seen = scores(confusion)
  const usual = scores(expected)
  return {
    accuracy,
    weightedF1: within(seen.weighted.f1, { score: usual.weighted.f1, variance: variance.weightedF1 }),
    macroF1: within(seen.macro.f1, { score: usual.macro.f1, variance: variance.macroF1 }),
    balancedAccuracy: within(seen.balancedAccuracy ?? 0, {
      score: usual.balancedAccuracy ?? 0,
      variance: variance.balancedAccuracy
    })
  }
}
