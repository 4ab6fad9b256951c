import type { CrossEntropyOptions } from "../../model/crossEntropy.ts"

/**
 * The cross-entropy as a sum over a matrix of targets T, divided by the rows' weights: its gradient is
 * softmax(logits) * sums - T. (N, classes) and (N, 1). See `crossEntropy`.
 */
export const targetsOf = (
  labels: Int32Array,
  { classWeights, classes, labelSmoothing }: CrossEntropyOptions
): { readonly targets: Float32Array; readonly sums: Float32Array } => {
  const weightOf = (c: number) => classWeights?.[c] ?? 1
  const total = labels.reduce((sum, label) => sum + weightOf(label), 0)
  const targets = new Float32Array(labels.length * classes)
  const sums = Float32Array.from(labels, (label, row) => {
    let sum = 0
    for (let c = 0; c < classes; c++) {
      const sharp = c === label ? (1 - labelSmoothing) * weightOf(c) : 0
      const target = (sharp + (labelSmoothing * weightOf(c)) / classes) / total
      targets[row * classes + c] = target
      sum += target
    }
    return sum
  })
  return { targets, sums }
}
