import { softmax } from "../model/crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { predictions } from "./topK.ts"

/**
 * What a classifier does that answers where its highest probability reaches a threshold, and abstains elsewhere.
 *
 * Source: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, 2017, section 2, with the highest
 * softmax probability as the confidence ("softmax response"); its selective risk is 1 - `accuracy`.
 */
export interface Selection {
  /** From 0 to 1. */
  readonly threshold: number
  readonly samples: number
  readonly answered: number
  /** Share of the samples that are answered; null where there are none. */
  readonly coverage: number | null
  /** Share of the answered samples that are right; null where none is answered. */
  readonly accuracy: number | null
}

/** Every sample's highest probability, and whether it is the true class's; the most confident first. */
const confidences = ({ classes, labels, logits }: Predictions) => {
  const probabilities = softmax(logits, classes)
  return Array.from(predictions(logits, classes), (predicted, row) => ({
    confidence: probabilities[row * classes + predicted]!,
    isRight: predicted === labels[row]
  })).sort((a, b) => b.confidence - a.confidence)
}

const selectionOf = (threshold: number, answered: number, right: number, samples: number): Selection => ({
  threshold,
  samples,
  answered,
  coverage: samples === 0 ? null : answered / samples,
  accuracy: answered === 0 ? null : right / answered
})

/** What thresholds do on samples whose classes are known. */
export const selections = (found: Predictions, thresholds: ReadonlyArray<number>): ReadonlyArray<Selection> => {
  const all = confidences(found)
  return thresholds.map((threshold) => {
    const answered = all.filter(({ confidence }) => confidence >= threshold)
    const right = answered.filter(({ isRight }) => isRight).length
    return selectionOf(threshold, answered.length, right, all.length)
  })
}

/**
 * The smallest threshold at which so large a share of the answered samples is right: of those that reach `accuracy`, the
 * one that answers most. Where none does, `best` is the most accurate one.
 *
 * Thresholds are the samples' own confidences; 0 where all of them may be answered. The accuracy is that of these
 * samples, without the bound for others that the paper's section 3 adds.
 */
export const smallestThreshold = (
  found: Predictions,
  accuracy: number
): { readonly chosen: Selection | undefined; readonly best: Selection | undefined } => {
  const all = confidences(found)
  let chosen: Selection | undefined
  let best: Selection | undefined
  let right = 0
  for (const [i, { confidence, isRight }] of all.entries()) {
    if (isRight) right += 1
    // Samples that are equally sure are answered together.
    if (all[i + 1]?.confidence === confidence) continue
    const threshold = i === all.length - 1 ? 0 : confidence
    const here = selectionOf(threshold, i + 1, right, all.length)
    // A quotient, for `accuracy` times a count may be off by a bit.
    if (right / (i + 1) >= accuracy) chosen = here
    if (right / (i + 1) >= (best?.accuracy ?? 0)) best = here
  }
  return { chosen, best }
}
