import { elementAt } from "../pipeline/elementAt.ts"
import { mostConfidentFirst } from "./confidences.ts"
import type { Predictions } from "./calibration.ts"

/**
 * How a classifier does that answers where its highest probability reaches a threshold, and abstains elsewhere.
 *
 * Source: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, 2017, section 2, with the highest
 * softmax probability as the confidence ("softmax response"); its empirical selective risk is 1 - `accuracy`.
 */
export interface Selection {
  /** From 0 to 1. */
  readonly threshold: number
  readonly samples: number
  readonly answered: number
  /** Share of the samples that are answered; null where there are none. */
  readonly coverage: number | null
  /** Share of the answered samples that are correct; null where none is answered. */
  readonly accuracy: number | null
}

const selectionOf = (threshold: number, answered: number, right: number, samples: number): Selection => ({
  threshold,
  samples,
  answered,
  coverage: samples === 0 ? null : answered / samples,
  accuracy: answered === 0 ? null : right / answered
})

/** Coverage and accuracy at some thresholds, on samples whose classes are known. */
export const selections = (found: Predictions, thresholds: ReadonlyArray<number>): ReadonlyArray<Selection> => {
  const all = mostConfidentFirst(found)
  return thresholds.map((threshold) => {
    const answered = all.filter(({ confidence }) => confidence >= threshold)
    const right = answered.filter(({ isRight }) => isRight).length
    return selectionOf(threshold, answered.length, right, all.length)
  })
}

/** log Σ over j = 0..hits of C(samples, j) p^j (1 - p)^(samples - j). */
const logAtMost = (hits: number, samples: number, p: number): number => {
  const odds = Math.log(p) - Math.log1p(-p)
  let term = samples * Math.log1p(-p)
  let highest = term
  let sum = 1 // in units of exp(highest)
  for (let j = 0; j < hits; j++) {
    term += Math.log((samples - j) / (j + 1)) + odds
    if (term > highest) {
      sum = sum * Math.exp(highest - term) + 1
      highest = term
    } else sum += Math.exp(term - highest)
  }
  return highest + Math.log(sum)
}

/**
 * An upper bound of the risk, which fails with a probability of at most `delta`: the b with
 * Σ over j = 0..errors of C(samples, j) b^j (1 - b)^(samples - j) = delta. 1 where all are errors, or without samples.
 *
 * Source: Geifman and El-Yaniv, 2017, Lemma 3.1 (Clopper and Pearson, 1934).
 */
export const riskBound = (errors: number, samples: number, delta: number): number => {
  if (errors >= samples) return 1
  let low = errors / samples
  let high = 1
  // As many halvings as a float64 has bits.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (logAtMost(errors, samples, middle) > Math.log(delta)) low = middle
    else high = middle
  }
  return high
}

/** The number above `low` and up to `high` with the fewest decimals, at least four: it is printed, and typed again. */
const shortest = (low: number, high: number): number => {
  for (let digits = 4; digits < 17; digits++) {
    const rounded = Math.floor(high * 10 ** digits) / 10 ** digits
    if (rounded > low && rounded <= high) return rounded
  }
  return high
}

/** A threshold, and the accuracy that it guarantees on other samples. */
export interface SafeSelection extends Selection {
  /** Lower bound of the accuracy. */
  readonly atLeast: number
}

/** At most so many numbers of answers are tried: more would lie close together and weaken the bound a little each. */
const mostTests = 64

/** How many numbers of answers are tried of so many samples. */
const testsOf = (samples: number) => Math.min(samples, mostTests, Math.max(8, Math.ceil(Math.sqrt(samples))))

/**
 * `chosen` is the threshold that answers most, among those that guarantee an accuracy of at least `accuracy` on other
 * samples of the same kind; the guarantee holds with the probability `confidence` over the choice of these samples. It is
 * undefined where there are too few samples or too many errors; `best` has the highest bound of all that were tried.
 *
 * k thresholds are tried, which answer evenly spaced numbers of the samples up to all. Each uses the bound at
 * (1 - confidence) / k, so that together they fail with a probability of at most 1 - confidence. The samples must not be the
 * training's. Source: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, 2017, section 3 and
 * algorithm 2 ("SGR"); its binary search assumes that fewer answers have a better bound, which does not hold for few
 * samples.
 */
export const safeThreshold = (
  found: Predictions,
  accuracy: number,
  confidence: number
): { readonly chosen: SafeSelection | undefined; readonly best: SafeSelection | undefined } => {
  const all = mostConfidentFirst(found)
  const samples = all.length
  const tests = testsOf(samples)
  let hits = 0
  const right = [0, ...all.map(({ isRight }) => (hits += isRight ? 1 : 0))] // by the number of answers
  let chosen: SafeSelection | undefined
  let best: SafeSelection | undefined
  for (let test = tests; test >= 1; test--) {
    const last = elementAt(all, Math.round((samples * test) / tests) - 1).confidence // of 1 to `samples` answers
    // Samples with equal confidence are answered together.
    const answered = all.findLastIndex(({ confidence }) => confidence >= last) + 1
    if (answered === 0) continue // the confidence is NaN
    const threshold = answered === samples ? 0 : shortest(elementAt(all, answered).confidence, last)
    const correct = elementAt(right, answered)
    const atLeast = 1 - riskBound(answered - correct, answered, (1 - confidence) / tests)
    const selection = { ...selectionOf(threshold, answered, correct, samples), atLeast }
    if (atLeast >= accuracy) chosen ??= selection
    if (atLeast > (best?.atLeast ?? -1)) best = selection
  }
  return { chosen, best }
}
