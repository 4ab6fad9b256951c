import { Effect } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import { logSumExp } from "./crossEntropy.ts"
import type { Session } from "./Engine.ts"
import type { EvaluateConfig } from "./EvaluateConfig.ts"

/** What gives logits for images: a session, or a way to ask it more than once. */
export type Predictor = Pick<Session, "predict">

/** By the images that they are of, and forgotten with them: several predictors may look at the same. */
const mirrors = new WeakMap<Float32Array, Float32Array>()

/** The batch with every image as a mirror shows it, left and right changed; its images are a copy. */
export const mirrored = (batch: Batch): Batch => {
  const { height, images, size, width } = batch
  const known = mirrors.get(images)
  if (known !== undefined) return { ...batch, images: known }
  const turned = new Float32Array(images.length)
  for (let line = 0; line < size * height; line++)
    for (let x = 0; x < width; x++) {
      const from = (line * width + x) * 3
      const to = (line * width + width - 1 - x) * 3
      turned[to] = images[from]!
      turned[to + 1] = images[from + 1]!
      turned[to + 2] = images[from + 2]!
    }
  mirrors.set(images, turned)
  return { ...batch, images: turned }
}

/** The logarithms of the mean of two rows of probabilities, row by row: logits whose softmax is that mean. */
export const logMeanSoftmax = (a: Float32Array, b: Float32Array, classes: number): Float32Array => {
  const mean = new Float32Array(a.length)
  for (let from = 0; from < a.length; from += classes) {
    const ofA = logSumExp(a, from, classes)
    const ofB = logSumExp(b, from, classes)
    for (let c = from; c < from + classes; c++) {
      const x = a[c]! - ofA
      const y = b[c]! - ofB
      const most = Math.max(x, y)
      // Both may be -Infinity, whose difference is no number.
      mean[c] = most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(x, y) - most)) - Math.LN2
    }
  }
  return mean
}

/**
 * A predictor that looks at every image, and with `flip` at its mirror image too, and takes the mean of the two
 * probabilities.
 *
 * Probabilities, not logits: their mean is the probability that the class of one of the two views, drawn at random, is
 * the true one, and its cross-entropy is never above the mean of the two cross-entropies (Jensen's inequality).
 * Source: Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep CNNs, 2012, section 4.1, who average the
 * softmax layer's predictions over crops and their reflections.
 */
export const predictorOf = (session: Predictor, { tta }: EvaluateConfig, classes: number): Predictor =>
  tta === "none"
    ? session
    : {
        predict: Effect.fnUntraced(function* (batch) {
          const plain = yield* session.predict(batch)
          return logMeanSoftmax(plain, yield* session.predict(mirrored(batch)), classes)
        })
      }
