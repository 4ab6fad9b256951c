/** Precision and recall of a class against the rest, where scores of at least `threshold` are answered with it. */
export interface PrecisionRecall {
  readonly threshold: number
  readonly precision: number
  readonly recall: number
}

/**
 * The curve of precision over recall of each class against the rest, from its scores (samples, classes), row by row: the
 * thresholds at which the recall grows, from the highest on, at most `limit` of them, the last one always; null for a
 * class without samples. Samples with equal scores share one threshold.
 *
 * Of all its thresholds, Σ (R_n - R_{n-1}) P_n is the average precision.
 * Source: scikit-learn's `precision_recall_curve`, without the thresholds that add wrong answers alone.
 */
export const precisionRecallCurve = (
  scores: Float64Array,
  labels: Int32Array,
  classes: number,
  ofClass: number,
  limit: number
): ReadonlyArray<PrecisionRecall> | null => {
  const rows = Array.from(labels, (label, row) => ({
    isOwn: label === ofClass,
    score: scores[row * classes + ofClass]!
  }))
  const own = rows.filter(({ isOwn }) => isOwn).length
  if (own === 0) return null
  rows.sort((a, b) => b.score - a.score)
  const all: Array<PrecisionRecall> = []
  let right = 0
  let before = 0
  for (const [i, { isOwn, score }] of rows.entries()) {
    if (isOwn) right++
    if (rows[i + 1]?.score === score || right === before) continue
    all.push({ threshold: score, precision: right / (i + 1), recall: right / own })
    before = right
  }
  if (all.length <= limit) return all
  return Array.from({ length: limit }, (_, i) => all[Math.round((i * (all.length - 1)) / (limit - 1))]!) // inside
}
