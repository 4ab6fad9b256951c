import { Array as Arrays, Effect, Schema } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { setting } from "../config/Setting.ts"
import type { Batch } from "../pipeline/Batch.ts"
import { logSumExp } from "../metrics/crossEntropy.ts"
import { rowsOf } from "../metrics/rowsOf.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import { logitsOfColumn, placedColumns } from "../pipeline/LabelColumn.ts"
import type { Session } from "./Engine.ts"

/** How a trained network is applied. */
export const EvaluateConfig = Schema.Struct({
  tta: setting(
    Schema.Literals(["none", "flip"]),
    "none",
    "`flip`: the probabilities are the mean over an image and its mirror image, in tests and predictions; takes twice the time"
  )
})
export type EvaluateConfig = typeof EvaluateConfig.Type

/** Gives logits for images: a session, or several predictions of one that are averaged. */
export type Predictor = Pick<Session, "predict">

/** Mirror images, keyed by the original images and freed with them: several predictors may see the same batch. */
const mirrors = new WeakMap<Float32Array, Float32Array>()

/** The batch with every image mirrored, left to right; its images are a copy. */
export const mirrored = (batch: Batch): Batch => {
  const { height, images, size, width } = batch
  const known = mirrors.get(images)
  if (known !== undefined) return { ...batch, images: known }
  const mirror = new Float32Array(images.length)
  for (let line = 0; line < size * height; line++)
    for (let x = 0; x < width; x++) {
      const from = (line * width + x) * 3
      const to = (line * width + width - 1 - x) * 3
      mirror[to] = images[from]!
      mirror[to + 1] = images[from + 1]!
      mirror[to + 2] = images[from + 2]!
    }
  mirrors.set(images, mirror)
  return { ...batch, images: mirror }
}

/**
 * The logarithms of the mean of several rows of probabilities, row by row: logits whose softmax is that mean. `several`
 * are logits (rows, classes), one of them at least; of one alone, they are its own.
 *
 * log (1/n Σ p_i) = x_m + log1p(Σ_{i≠m} exp(x_i - x_m)) - log n, with x_i = log p_i and x_m the largest of them, so
 * that nothing under- or overflows; in float64. A class that all give the probability 0 has it (-Infinity); a row that
 * is not a distribution (NaN, or -Infinity only) makes the mean NaN.
 */
export const logMeanSoftmax = (several: NonEmptyReadonlyArray<Float32Array>, classes: number): Float32Array => {
  const [first, ...others] = several
  if (others.length === 0) return first
  const count = Math.log(several.length)
  const mean = new Float32Array(first.length)
  const views = others.map((logits) => rowsOf(logits, classes))
  for (const [i, row] of rowsOf(first, classes).entries()) {
    const normaliser = logSumExp(row)
    const beside = views.map((rows) => ({ logits: elementAt(rows, i), normaliser: logSumExp(elementAt(rows, i)) }))
    for (const [c, logit] of row.entries()) {
      let most = logit - normaliser
      let rest = 0
      for (const { logits, normaliser } of beside) {
        const x = elementAt(logits, c) - normaliser
        // All may be -Infinity, whose differences are NaN.
        if (x === -Infinity) continue
        if (x > most) {
          rest = (1 + rest) * Math.exp(most - x)
          most = x
        } else rest += Math.exp(x - most)
      }
      mean[i * classes + c] = most + Math.log1p(rest) - count
    }
  }
  return mean
}

/**
 * The logits of the mean of several sigmoids, one by one: log Σ σ(x_i) - log Σ σ(-x_i), by logarithms, so that nothing
 * under- or overflows; of one alone, they are its own.
 */
const logitOfMeanSigmoid = (several: NonEmptyReadonlyArray<Float32Array>): Float32Array => {
  const [first, ...others] = several
  if (others.length === 0) return first
  // log σ(x) = -log(1 + exp(-x)).
  const logSigmoid = (x: number) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))
  return first.map((_, at) => {
    const all = several.map((logits) => elementAt(logits, at))
    return logSumExp(Float32Array.from(all, logSigmoid)) - logSumExp(Float32Array.from(all, (x) => logSigmoid(-x)))
  })
}

/**
 * The logits of the mean of several predictions, (rows, classes of all columns) row by row: of each column with one value
 * the logarithms of the mean of the probabilities, see `logMeanSoftmax`; of one with several values the logits of the
 * means of its classes' probabilities. Of one prediction alone, they are its own.
 */
export const meanPrediction = (
  several: NonEmptyReadonlyArray<Float32Array>,
  columns: ReadonlyArray<LabelColumn>
): Float32Array => {
  const [first, ...others] = several
  if (others.length === 0) return first
  const [only, ...more] = columns
  if (only?.values === "one" && more.length === 0) return logMeanSoftmax(several, only.classes.length)
  const mean = new Float32Array(first.length)
  const placed = placedColumns(columns)
  const width = placed.at(-1)?.to ?? 0
  for (const { classes, from, index, to, values } of placed) {
    const own = Arrays.map(several, (logits) => logitsOfColumn(logits, columns, index))
    const found = values === "one" ? logMeanSoftmax(own, classes.length) : logitOfMeanSigmoid(own)
    for (const [row, logits] of rowsOf(found, to - from).entries()) mean.set(logits, row * width + from)
  }
  return mean
}

const looksOf = (batch: Batch, { tta }: EvaluateConfig): NonEmptyReadonlyArray<Batch> =>
  tta === "none" ? [batch] : [batch, mirrored(batch)]

/**
 * A predictor that, with `flip`, takes the mean of the probabilities of an image and of its mirror image.
 *
 * Probabilities, not logits: their mean is the probability that the class of one of the two views, drawn at random, is
 * the true one, and its cross-entropy is never above the mean of the two cross-entropies (Jensen's inequality).
 * Source: Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep CNNs, 2012, section 4.1, who average the
 * softmax layer's predictions over crops and their reflections.
 */
export const predictorOf = (
  session: Predictor,
  config: EvaluateConfig,
  columns: ReadonlyArray<LabelColumn>
): Predictor => ({
  predict: (batch) =>
    Effect.map(
      Effect.forEach(looksOf(batch, config), (look) => session.predict(look)),
      (looks) => meanPrediction(looks, columns)
    )
})
