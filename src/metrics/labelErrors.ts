import { elementAt } from "../pipeline/elementAt.ts"
import { softmax } from "./crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { cooled } from "./calibration.ts"
import { fitThroughNoise } from "./fitThroughNoise.ts"
import { rowsOf } from "./rowsOf.ts"
import { predictions } from "./topK.ts"

/** A sample whose label is likely wrong. */
export interface LabelError {
  /** Which sample, counted from 0. */
  readonly sample: number
  /** Indexes of classes: the one that the data say, and the most probable one. */
  readonly label: number
  readonly suggested: number
  /** Probability of the data's label. */
  readonly selfConfidence: number
  /** Probability of the suggested class. */
  readonly probability: number
}

/** The share of the listed samples that may be explained by the model's uncertainty alone. */
const falseShare = 0.1

/** Tolerance for rounding: a probability that is below a threshold by less reaches it. */
const epsilon = 1e-6

/** Predictions as confident learning uses them. */
interface Held {
  readonly classes: number
  readonly samples: ReadonlyArray<HeldSample>
  /** The samples with each label. */
  readonly members: ReadonlyArray<ReadonlyArray<HeldSample>>
}

interface HeldSample {
  readonly sample: number
  readonly label: number
  readonly suggested: number
  /** Of each class. */
  readonly probabilities: Float64Array
}

/** A sample's probability of a class. */
const p = ({ probabilities }: HeldSample, c: number): number => elementAt(probabilities, c)

const heldOf = ({ classes, labels, logits }: Predictions): Held => {
  const predicted = predictions(logits, classes)
  const members = Array.from({ length: classes }, (): Array<HeldSample> => [])
  const samples = rowsOf(softmax(logits, classes), classes).map((probabilities, sample): HeldSample => {
    const [label, suggested] = [elementAt(labels, sample), elementAt(predicted, sample)]
    return { sample, label, suggested, probabilities }
  })
  for (const one of samples) elementAt(members, one.label).push(one)
  return { classes, samples, members }
}

/**
 * How many samples with each label are confidently of each class: (classes, classes), rows are the labels.
 *
 * A class's threshold is the mean probability of that class over the samples with its label. A sample is confidently
 * of the most probable class among those whose thresholds it reaches, or of none. Where no sample has a label, none is
 * confidently of it. Source: Northcutt, Jiang and Chuang, Confident Learning, 2021, section 3.1, equations 1 and 2.
 */
const countConfident = ({ classes, members, samples }: Held): Float64Array => {
  const thresholds = members.map((those, c) =>
    those.length === 0 ? Infinity : those.reduce((sum, sample) => sum + p(sample, c), 0) / those.length
  )
  const joint = new Float64Array(classes * classes)
  for (const { label, probabilities } of samples) {
    let confident: { readonly c: number; readonly probability: number } | undefined
    for (const [c, probability] of probabilities.entries()) {
      // Negated, so that a NaN reaches no threshold.
      if (!(probability >= elementAt(thresholds, c) - epsilon)) continue
      if (confident === undefined || probability > confident.probability) confident = { c, probability }
    }
    if (confident === undefined) continue
    const cell = label * classes + confident.c
    joint[cell] = elementAt(joint, cell) + 1
  }
  return joint
}

const asError = (one: HeldSample): LabelError => {
  const { label, sample, suggested } = one
  return { sample, label, suggested, selfConfidence: p(one, label), probability: p(one, suggested) }
}

/** Those whose most probable class is not their label, the least probable label first. */
const contradicted = (samples: Iterable<HeldSample>): ReadonlyArray<LabelError> =>
  Array.from(samples, asError)
    .filter(({ label, suggested }) => suggested !== label)
    .sort((a, b) => a.selfConfidence - b.selfConfidence || a.sample - b.sample)

/** The confident joint of predictions; see `labelErrors`. (classes, classes), row by row: rows are the labels. */
export const confidentJoint = (found: Predictions): Float64Array => countConfident(heldOf(found))

/**
 * How many samples of each label are estimated to be of each class: the joint, each row scaled to the number of samples
 * with its label; a label without confident samples counts as right. Source: the paper's equation 3, times n.
 */
const calibrated = (joint: Float64Array, { classes, members }: Held): Float64Array => {
  const sums = members.map((_, row) => joint.subarray(row * classes, (row + 1) * classes).reduce((a, b) => a + b, 0))
  return joint.map((count, cell) => {
    const row = Math.floor(cell / classes)
    const samples = elementAt(members, row).length
    const sum = elementAt(sums, row)
    return sum === 0 ? (cell % classes === row ? samples : 0) : (count / sum) * samples
  })
}

/** The `count` samples with the highest rank. */
const highest = (samples: ReadonlyArray<HeldSample>, count: number, rank: (sample: HeldSample) => number) =>
  samples.toSorted((a, b) => rank(b) - rank(a) || a.sample - b.sample).slice(0, count)

/**
 * The samples that both prunings choose: by class, as many of each label as are estimated to be wrong, those with the
 * lowest self-confidence; by noise rate, as many of each pair (label, class) as are estimated, those with the highest
 * margin p_class - p_label. Source: the paper's section 3.2, "C+NR".
 */
const pruned = (held: Held): ReadonlySet<HeldSample> => {
  const { classes, members } = held
  const estimate = calibrated(countConfident(held), held)
  const both = new Set<HeldSample>()
  members.forEach((samples, label) => {
    const wrong = estimate.subarray(label * classes, (label + 1) * classes)
    const all = wrong.reduce((sum, count, c) => (c === label ? sum : sum + count), 0)
    const byClass = new Set(highest(samples, Math.round(all), (sample) => -p(sample, label)))
    wrong.forEach((count, c) => {
      if (c === label || Math.round(count) === 0) return
      for (const sample of highest(samples, Math.round(count), (sample) => p(sample, c) - p(sample, label)))
        if (byClass.has(sample)) both.add(sample)
    })
  })
  return both
}

/**
 * How many samples would have a label as improbable as each of `limits` (ascending), or more so, were all labels right:
 * the sum of the probabilities that are no higher.
 */
const expectedBelow = (probabilities: Float64Array, limits: Float64Array): Float64Array => {
  const sums = new Float64Array(limits.length)
  for (const probability of probabilities) {
    let low = 0
    let high = limits.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (elementAt(limits, middle) < probability) low = middle + 1
      else high = middle
    }
    if (low < limits.length) sums[low] = elementAt(sums, low) + probability
  }
  let sum = 0
  return sums.map((own) => (sum += own))
}

/**
 * Samples whose labels are likely wrong, the least probable label first, by confident learning: those of the confident
 * joint's off-diagonal counts that both prunings choose, less what is predicted as it is labelled.
 *
 * `found` must be of samples that the network was not trained on, and its probabilities calibrated: a model that is right
 * about its doubts gives a right label the probability 0.01 in one of a hundred cases. As many samples are listed as
 * there are with at most 10 % that such doubt explains, so that a catalogue without errors has (nearly) none. That share
 * is estimated as for multiple tests: with q the label's probability, Σ over all samples and classes of the p that are
 * at most q, by the number of listed samples with at most q.
 *
 * Sources: Northcutt, Jiang and Chuang, Confident Learning, 2021, section 3; the order by self-confidence: Kuan and
 * Mueller, Model-agnostic label quality scoring to detect real-world label errors, 2022; the number that is listed:
 * Benjamini and Hochberg, Controlling the False Discovery Rate, 1995.
 */
export const labelErrors = (found: Predictions): ReadonlyArray<LabelError> => {
  const held = heldOf(found)
  const candidates = contradicted(pruned(held))
  const expected = expectedBelow(
    softmax(found.logits, found.classes),
    Float64Array.from(candidates, ({ selfConfidence }) => selfConfidence)
  )
  return candidates.slice(0, expected.findLastIndex((count, i) => count <= falseShare * (i + 1)) + 1)
}

/**
 * `labelErrors` of logits as a network gives them. The probabilities are at a temperature of their own, because the method
 * relies on calibrated probabilities: one that is fitted on the same samples, whatever share of their labels is wrong.
 */
export const calibratedLabelErrors = (
  raw: Predictions
): {
  readonly temperature: number
  readonly errors: ReadonlyArray<LabelError>
  /** Further samples whose most probable class is not their label, the least probable label first: the model's doubt may explain them. */
  readonly doubtful: ReadonlyArray<LabelError>
} => {
  const { temperature } = fitThroughNoise(raw)
  const found = { ...raw, logits: cooled(raw.logits, temperature) }
  const errors = labelErrors(found)
  const listed = new Set(errors.map(({ sample }) => sample))
  const doubtful = contradicted(heldOf(found).samples).filter(({ sample }) => !listed.has(sample))
  return { temperature, errors, doubtful }
}
