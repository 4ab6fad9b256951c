import { softmax } from "../model/crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { predictions } from "./topK.ts"

/** A sample whose label is likely wrong. */
export interface LabelError {
  /** Which sample, counted from 0. */
  readonly sample: number
  /** Indexes of classes: the one that the data say, and the one that the network is confident of. */
  readonly label: number
  readonly suggested: number
  /** Probability of the data's label. */
  readonly selfConfidence: number
  /** That, less the highest probability of another class: from -1 (surely wrong) to 0. */
  readonly margin: number
}

/** Thresholds are met by probabilities that are as high but for rounding. */
const epsilon = 1e-6

/**
 * Mean probability of each class over the samples that bear its label; Infinity for a class without samples, so that
 * none is ever confidently of it.
 */
const thresholdsOf = (probabilities: Float64Array, labels: Int32Array, classes: number): Float64Array => {
  const sums = new Float64Array(classes)
  const counts = new Float64Array(classes)
  labels.forEach((label, row) => {
    sums[label]! += probabilities[row * classes + label]!
    counts[label]! += 1
  })
  return sums.map((sum, c) => (counts[c] === 0 ? Infinity : sum / counts[c]!))
}

/**
 * Samples whose labels are likely wrong, the surest first, by confident learning.
 *
 * A sample counts as confidently of class j where p_j reaches class j's threshold, the mean p_j of the samples with label
 * j; of several such classes the most probable. What lies off the diagonal of that count (label, confident class) is
 * listed, less what the network predicts as labelled, ranked by the normalised margin p_label - max p_other. The network
 * must not have been trained on the samples.
 * Source: Northcutt, Jiang and Chuang, Confident Learning, 2021, sections 3.1 and 3.2; `cleanlab`'s
 * `find_label_issues(filter_by="confident_learning", return_indices_ranked_by="normalized_margin")`.
 */
export const labelErrors = ({ classes, labels, logits }: Predictions): ReadonlyArray<LabelError> => {
  const probabilities = softmax(logits, classes)
  const thresholds = thresholdsOf(probabilities, labels, classes)
  const predicted = predictions(logits, classes)
  const found: Array<LabelError> = []
  labels.forEach((label, sample) => {
    const from = sample * classes
    let suggested = -1
    let other = -Infinity
    for (let c = 0; c < classes; c++) {
      const probability = probabilities[from + c]!
      if (c !== label) other = Math.max(other, probability)
      if (probability < thresholds[c]! - epsilon) continue
      if (suggested < 0 || probability > probabilities[from + suggested]!) suggested = c
    }
    if (suggested < 0 || suggested === label || predicted[sample] === label) return
    const selfConfidence = probabilities[from + label]!
    found.push({ sample, label, suggested, selfConfidence, margin: selfConfidence - other })
  })
  return found.sort((a, b) => a.margin - b.margin || a.sample - b.sample)
}
