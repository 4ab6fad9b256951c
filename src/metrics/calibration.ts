import { Schema } from "effect"
import { confidences } from "./confidences.ts"
import { rowLosses } from "./crossEntropy.ts"
import type { MultilabelPredictions } from "./multilabel.ts"
import { multilabelLosses, sigmoid } from "./multilabel.ts"

/** A network's logits of some samples, and the samples' labels. */
export interface Predictions {
  readonly classes: number
  /** (samples, classes), row by row. */
  readonly logits: Float32Array
  /** One class index for each sample. */
  readonly labels: Int32Array
}

/**
 * Samples whose highest probability lies in one span; the means are null where there are none. In a label column with
 * several values: pairs of a sample and a class, whose probability lies in the span.
 */
const Bin = Schema.Struct({
  samples: Schema.Natural,
  /** Mean of the highest probabilities; of the pairs' probabilities. */
  confidence: Schema.NullOr(Schema.Finite),
  /** Share of correct predictions; of the pairs in which the class applies. */
  accuracy: Schema.NullOr(Schema.Finite)
})

/** A part before and after a temperature. Bin m of M holds the samples with a confidence in (m / M, (m + 1) / M]. */
export const CalibrationMetrics = Schema.Struct({
  /** Mean cross-entropy, nats: as trained, and with the temperature. */
  lossBefore: Schema.NullOr(Schema.Finite),
  lossAfter: Schema.NullOr(Schema.Finite),
  /** Expected calibration error, from 0 to 1. */
  eceBefore: Schema.NullOr(Schema.Finite),
  eceAfter: Schema.NullOr(Schema.Finite),
  binsBefore: Schema.Array(Bin),
  binsAfter: Schema.Array(Bin)
})
export type CalibrationMetrics = typeof CalibrationMetrics.Type

/** The logits divided by a temperature; at 1, the same array. */
export const cooled = (logits: Float32Array, temperature: number): Float32Array =>
  temperature === 1 ? logits : logits.map((logit) => logit / temperature)

/** Every pair of a sample and a class, with the probability that the class applies. */
const pairsOf = ({ labels, logits }: MultilabelPredictions) =>
  Array.from(logits, (logit, at) => ({ confidence: sigmoid(logit), isRight: labels[at] === 1 }))

/**
 * The expected calibration error (ECE), Σ over the bins of (samples / all) |accuracy - confidence|, and the bins.
 *
 * Source: Guo et al., On Calibration of Modern Neural Networks, 2017, equations 2, 3 and 5 (Naeini et al., 2015).
 */
export const reliability = (
  found: Predictions | MultilabelPredictions,
  bins: number
): { readonly ece: number | null; readonly bins: ReadonlyArray<typeof Bin.Type> } => {
  const sums = Array.from({ length: bins }, () => ({ samples: 0, confidence: 0, right: 0 }))
  const answers = "values" in found ? pairsOf(found) : confidences(found)
  for (const { confidence, isRight } of answers) {
    const bin = sums[Math.max(0, Math.ceil(confidence * bins) - 1)]
    if (bin === undefined) continue // a NaN lies in no bin
    bin.samples += 1
    bin.confidence += confidence
    bin.right += isRight ? 1 : 0
  }
  const samples = found.labels.length
  const apart = sums.reduce((sum, { confidence, right }) => sum + Math.abs(right - confidence), 0)
  return {
    ece: samples > 0 && Number.isFinite(apart) ? apart / samples : null,
    bins: sums.map(({ confidence, right, samples }) => ({
      samples,
      confidence: samples === 0 ? null : confidence / samples,
      accuracy: samples === 0 ? null : right / samples
    }))
  }
}

/** How well a part's predictions are calibrated before the temperatures and after them. */
export const calibrationBetween = <Found extends Predictions | MultilabelPredictions>(
  before: Found,
  after: Found,
  bins: number
): CalibrationMetrics => {
  const lossOf = (found: Predictions | MultilabelPredictions) => {
    const losses =
      "values" in found
        ? multilabelLosses(found.logits, found.labels, found.classes)
        : rowLosses(found.logits, found.labels, found.classes)
    const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length
    return Number.isFinite(loss) ? loss : null
  }
  const warm = reliability(before, bins)
  const cool = reliability(after, bins)
  return {
    lossBefore: lossOf(before),
    lossAfter: lossOf(after),
    eceBefore: warm.ece,
    eceAfter: cool.ece,
    binsBefore: warm.bins,
    binsAfter: cool.bins
  }
}

/** How well a part's predictions are calibrated without a temperature and with it. */
export const calibrationMetrics = (
  found: Predictions | MultilabelPredictions,
  temperature: number,
  bins: number
): CalibrationMetrics => calibrationBetween(found, { ...found, logits: cooled(found.logits, temperature) }, bins)
