import { elementAt } from "../pipeline/elementAt.ts"
import { rowLosses, softmax } from "./crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { rowsOf } from "./rowsOf.ts"
import { predictions } from "./topK.ts"

/** A sample and its prediction. */
export interface Answer {
  /** Which sample, counted from 0. */
  readonly sample: number
  /** Indexes of classes. */
  readonly label: number
  readonly predicted: number
  /** Of the predicted class, and of the true one. */
  readonly probability: number
  readonly labelProbability: number
  /** Cross-entropy, nats. */
  readonly loss: number
}

/** The prediction of every sample, in the samples' order. */
export const answers = ({ classes, labels, logits }: Predictions): ReadonlyArray<Answer> => {
  const losses = rowLosses(logits, labels, classes)
  const predicted = predictions(logits, classes)
  return rowsOf(softmax(logits, classes), classes).map((probabilities, sample) => {
    const [label, best] = [elementAt(labels, sample), elementAt(predicted, sample)]
    return {
      sample,
      label,
      predicted: best,
      probability: elementAt(probabilities, best),
      labelProbability: elementAt(probabilities, label),
      loss: elementAt(losses, sample)
    }
  })
}

/** The samples with the highest loss, at most `limit` of them, the highest first; a NaN comes before all others. */
export const topLosses = <A extends Pick<Answer, "loss" | "sample">>(
  all: ReadonlyArray<A>,
  limit: number
): ReadonlyArray<A> => {
  const rank = ({ loss }: A) => (Number.isNaN(loss) ? Infinity : loss)
  return all.toSorted((a, b) => (rank(a) === rank(b) ? a.sample - b.sample : rank(b) - rank(a))).slice(0, limit)
}
