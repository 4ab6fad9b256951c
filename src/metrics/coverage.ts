import { elementAt } from "../pipeline/elementAt.ts"
import { mostConfidentFirst } from "./confidences.ts"
import type { Predictions } from "./calibration.ts"

/** Coverage and accuracy where predictions below a probability are withheld. */
export interface Coverage {
  /** The lowest probability that is answered. */
  readonly threshold: number
  /** Share of the samples that are answered. */
  readonly coverage: number
  /** Share of correct answers among them. */
  readonly accuracy: number
}

/**
 * Accuracy over coverage, from the most confident predictions to all of them, at most `limit` points.
 *
 * Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, 2010; with the highest
 * softmax probability as the confidence: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, 2017.
 */
export const coverageCurve = (found: Predictions, limit: number): ReadonlyArray<Coverage> => {
  const answers = mostConfidentFirst(found)
  let right = 0
  const all: Array<Coverage> = []
  answers.forEach(({ confidence, isRight }, i) => {
    right += isRight ? 1 : 0
    // Samples with one confidence are answered together or not at all.
    if (answers[i + 1]?.confidence === confidence) return
    all.push({ threshold: confidence, coverage: (i + 1) / answers.length, accuracy: right / (i + 1) })
  })
  if (all.length <= limit) return all
  return Array.from({ length: limit }, (_, i) => elementAt(all, Math.round((i * (all.length - 1)) / (limit - 1))))
}
