import { elementAt } from "../../pipeline/elementAt.ts"
import type { Predictions } from "../../metrics/calibration.ts"
import type { LabelError } from "../../metrics/labelErrors.ts"
import { calibratedLabelErrors } from "../../metrics/labelErrors.ts"
import type { StoredPredictions, StoredSample } from "../../model/StoredPredictions.ts"
import { numbersOf } from "../../model/StoredPredictions.ts"

/** A photo whose label is likely wrong. */
export interface LikelyLabelError extends StoredSample, Pick<LabelError, "probability" | "selfConfidence"> {
  readonly part: string
  readonly labelName: string
  readonly suggestedName: string
}

const joined = (parts: ReadonlyArray<Predictions>, classes: number): Predictions => ({
  classes,
  logits: Float32Array.from(parts.flatMap(({ logits }) => [...logits])),
  labels: Int32Array.from(parts.flatMap(({ labels }) => [...labels]))
})

/** The photos whose labels are likely wrong, the least probable label first, of the parts that a run did not train on. */
export const likelyLabelErrors = (
  parts: ReadonlyArray<StoredPredictions>
): { readonly temperature: number; readonly errors: ReadonlyArray<LikelyLabelError> } => {
  const [first] = parts
  if (first === undefined) return { temperature: 1, errors: [] }
  const raw = joined(parts.map(numbersOf), first.labels.length)
  const found = calibratedLabelErrors(raw)
  const samples = parts.flatMap(({ part, samples }) => samples.map((sample) => ({ ...sample, part })))
  const errors = found.errors.map(({ label, probability, sample, selfConfidence, suggested }): LikelyLabelError => ({
    ...elementAt(samples, sample),
    labelName: elementAt(first.labels, label),
    suggestedName: elementAt(first.labels, suggested),
    probability,
    selfConfidence
  }))
  return { temperature: found.temperature, errors }
}
