import { logSumExp } from "./crossEntropy.ts"
import type { Predictions } from "./calibration.ts"

/** Temperatures lie between 2^-span and 2^span. */
const span = 4
/** Steps of the expectation maximisation; each one's error is a small part of the one before. */
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
  // Below this no label is likelier to be random than not; and it goes to 0 only in the limit.
  if (share * own.length < 0.5) share = 0
  let loss = 0
  for (const p of own) loss -= Math.log(random() + (1 - share) * p)
  return { share, loss: loss / own.length }
}

/**
 * The temperature of a network some of whose samples bear labels at random: with a share e of them, a label's probability
 * is e / classes + (1 - e) softmax(logits / T); the T and e of the greatest likelihood.
 *
 * Wrong labels, few as they are, make a temperature that is fitted without them doubt everything: what is right in all
 * else and wrong by 5 % of the labels has then 5 % of doubt. Plain temperature scaling is e = 0.
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
  const scaled = new Float32Array(classes)
  const at = (exponent: number) => {
    const temperature = 2 ** exponent
    labels.forEach((label, row) => {
      for (let c = 0; c < classes; c++) scaled[c] = logits[row * classes + c]! / temperature
      own[row] = Math.exp(scaled[label]! - logSumExp(scaled, 0, classes))
    })
    return { temperature, ...shareOf(own, classes) }
  }
  const grid = Array.from({ length: 4 * span + 1 }, (_, i) => ({ exponent: i / 2 - span, ...at(i / 2 - span) }))
  // Negated, so that a loss that is no number is never the best; without any, the logits are left as they are.
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
