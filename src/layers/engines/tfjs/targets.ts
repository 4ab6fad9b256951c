import type { CrossEntropyOptions } from "../../../metrics/crossEntropy.ts"
import { elementAt } from "../../../pipeline/elementAt.ts"

/**
 * The cross-entropy as a sum over a matrix of targets T, divided by the rows' weights: its gradient is
 * softmax(logits) * sums - T. (N, classes) and (N, 1). See `crossEntropy`.
 */
export const targetsOf = (
  labels: Int32Array,
  { classWeights, classes, labelSmoothing, mix }: CrossEntropyOptions
): { readonly targets: Float32Array; readonly sums: Float32Array } => {
  const weightOf = (c: number) => classWeights?.[c] ?? 1
  const total = mix === undefined ? labels.reduce((sum, label) => sum + weightOf(label), 0) : labels.length
  const targets = new Float32Array(labels.length * classes)
  const sums = Float32Array.from(labels, (label, row) => {
    const other = mix === undefined ? label : elementAt(labels, elementAt(mix.partners, row))
    const share = mix?.shares[row] ?? 1
    const first = (1 - labelSmoothing) * share * weightOf(label)
    const second = (1 - labelSmoothing) * (1 - share) * weightOf(other)
    let sum = 0
    for (let c = 0; c < classes; c++) {
      const sharp = (c === label ? first : 0) + (c === other ? second : 0)
      const target = (sharp + (labelSmoothing * weightOf(c)) / classes) / total
      targets[row * classes + c] = target
      sum += target
    }
    return sum
  })
  return { targets, sums }
}
