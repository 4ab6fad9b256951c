import { elementAt } from "../pipeline/elementAt.ts"
import { softmax } from "./crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { rowsOf } from "./rowsOf.ts"
import { predictions } from "./topK.ts"

/** A sample's highest probability, and whether it is the true class's. */
export interface Confidence {
  readonly confidence: number
  readonly isRight: boolean
}

/** The highest probability of every sample, in the samples' order. */
export const confidences = ({ classes, labels, logits }: Predictions): ReadonlyArray<Confidence> => {
  const predicted = predictions(logits, classes)
  return rowsOf(softmax(logits, classes), classes).map((probabilities, i) => {
    const best = elementAt(predicted, i)
    return { confidence: elementAt(probabilities, best), isRight: best === labels[i] }
  })
}

/** The same, the most confident first. */
export const mostConfidentFirst = (found: Predictions): ReadonlyArray<Confidence> =>
  confidences(found).toSorted((a, b) => b.confidence - a.confidence)
