import { elementAt } from "../pipeline/elementAt.ts"
import { logSumExp } from "./crossEntropy.ts"
import type { Predictions } from "./calibration.ts"
import { rowsOf } from "./rowsOf.ts"

/** Temperatures lie between 2^-span and 2^span. */
const span = 4
/** Steps of the expectation maximisation; each reduces the error by a large factor. */
const steps = 60

/** The share of random labels that fits best with probabilities of the labels, and the mean loss (nats) with it. */
const shareOf = (own: Float64Array, classes: number): { readonly share: number; readonly loss: number } => {
  let share = 0.02
  const random = () => share / classes
  for (let step = 0; step < steps; step++) {
    let sum = 0
    for (const p of own) sum += random() / (random() + (1 - share) * p)
    share = sum / own.length
  }
  // Fewer than half a random label: it converges to 0 only in the limit.
  if (share * own.length < 0.5) share = 0
  let loss = 0
  for (const p of own) loss -= Math.log(random() + (1 - share) * p)
  return { share, loss: loss / own.length }
}

/**
 * Fits a temperature T to samples of which a share e has random labels: the probability of a label is
 * e / classes + (1 - e) softmax(logits / T), and T and e maximise the likelihood.
 *
 * Plain temperature scaling is e = 0. It takes wrong labels for errors of the model: with 5 % of wrong labels, a model that
 * is always correct is fitted to a confidence of 95 %.
 * Sources: symmetric label noise: Angluin and Laird, Learning From Noisy Examples, 1988; the share by expectation
 * maximisation (Dempster, Laird and Rubin, 1977), the temperature by a grid and golden-section search (Kiefer, 1953).
 */
export const fitThroughNoise = ({
  classes,
  labels,
  logits
}: Predictions): { readonly temperature: number; readonly share: number } => {
  if (labels.length === 0) return { temperature: 1, share: 0 }
  const own = new Float64Array(labels.length)
  const rows = rowsOf(logits, classes)
  // One row's, used again: there are some thirty temperatures for each sample.
  const scaled = new Float32Array(classes)
  const at = (exponent: number) => {
    const temperature = 2 ** exponent
    labels.forEach((label, row) => {
      const logitsOfRow = elementAt(rows, row)
      for (let c = 0; c < classes; c++) scaled[c] = elementAt(logitsOfRow, c) / temperature
      own[row] = Math.exp(elementAt(scaled, label) - logSumExp(scaled))
    })
    return { temperature, ...shareOf(own, classes) }
  }
  const grid = Array.from({ length: 4 * span + 1 }, (_, i) => ({ exponent: i / 2 - span, ...at(i / 2 - span) }))
  // Negated, so that a NaN is never the best. If all losses are NaN, the temperature is 1.
  const best = grid.reduce<(typeof grid)[number] | undefined>(
    (best, one) => (!(one.loss < (best?.loss ?? Infinity)) ? best : one),
    undefined
  )
  if (best === undefined) return { temperature: 1, share: 0 }
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [best.exponent - 0.5, best.exponent + 0.5]
  let [a, b] = [at(high - golden), at(low + golden)]
  for (let step = 0; step < 12; step++) {
    const width = high - low
    if (a.loss < b.loss) {
      high = low + golden * width
      b = a
      a = at(high - golden * (high - low))
    } else {
      low = high - golden * width
      a = b
      b = at(low + golden * (high - low))
    }
  }
  const { share, temperature } = a.loss < b.loss ? a : b
  return { temperature, share }
}
