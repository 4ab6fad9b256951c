import * as tf from "@tensorflow/tfjs-core"
import type { HeadTargets, LabelledBatch, LossOptions, SoftTargets } from "../../../model/loss.ts"
import { hasKnown, targetsOf } from "../../../model/loss.ts"
import type { Network } from "../../../model/Network.ts"
import { elementAt } from "../../../pipeline/elementAt.ts"

/** A head's targets, or the factors of its classes being untrue, as the mean over the batch takes them. */
const matrix = (values: Float64Array, { head, total, weight }: HeadTargets): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from(values, (value) => (value / total) * weight),
    [values.length / head.classes, head.classes]
  )

/** The sum of each row of targets, made in float64. */
const rowSums = ({ head, known, targets, total, weight }: HeadTargets): tf.Tensor2D => {
  const sums = Float32Array.from(known, (_, row) => {
    let sum = 0
    for (const target of targets.subarray(row * head.classes, (row + 1) * head.classes))
      sum += (target / total) * weight
    return sum
  })
  return tf.tensor2d(sums, [sums.length, 1])
}

/**
 * t ((1 - p)^γ - γ p (1 - p)^(γ - 1) log p) for γ above 0, from p, 1 - p and -log p; see `focalTerm` of the loss. Its
 * second part is written as (1 - p)^γ times a quotient, which is finite for every γ, also where p is 0 or 1.
 */
const slopes = (targets: tf.Tensor, p: tf.Tensor, rest: tf.Tensor, loss: tf.Tensor, gamma: number): tf.Tensor => {
  // A product with 0 is 0 for a large number, and NaN for infinity.
  const quotient = tf.div(tf.mul(p, tf.minimum(loss, 1e30)), tf.add(rest, 1e-30))
  return tf.mul(targets, tf.mul(tf.pow(rest, gamma), tf.add(tf.mul(quotient, gamma), 1)))
}

/**
 * The cross-entropy is a sum over a matrix of targets T: its gradient is softmax(logits) * (the sums of T's rows) - T.
 */
const softmaxGradient = (logits: tf.Tensor2D, targets: HeadTargets, gamma: number): tf.Tensor => {
  const p = tf.softmax(logits)
  const expected = matrix(targets.targets, targets)
  if (gamma === 0) return tf.sub(tf.mul(p, rowSums(targets)), expected)
  const shifted = tf.sub(tf.max(logits, 1, true), logits)
  const loss = tf.add(shifted, tf.log(tf.sum(tf.exp(tf.neg(shifted)), 1, true)))
  // A graphics card's division may give a p above 1, and what is below 0 has no power.
  const own = slopes(expected, p, tf.abs(tf.sub(1, p)), loss, gamma)
  return tf.sub(tf.mul(p, tf.sum(own, 1, true)), own)
}

/** log(1 + e^x), which is -log of the logistic function of -x. */
const softplus = (x: tf.Tensor): tf.Tensor => tf.add(tf.relu(x), tf.log(tf.add(tf.exp(tf.neg(tf.abs(x))), 1)))

/** Each class is a softmax over two, true and untrue. */
const sigmoidGradient = (logits: tf.Tensor2D, targets: HeadTargets, gamma: number): tf.Tensor => {
  const p = tf.sigmoid(logits)
  const isTrue = matrix(targets.targets, targets)
  const isUntrue = matrix(targets.others, targets)
  if (gamma === 0) return tf.sub(tf.mul(p, tf.add(isTrue, isUntrue)), isTrue)
  const opposite = tf.neg(logits)
  const rest = tf.sigmoid(opposite)
  const up = slopes(isTrue, p, rest, softplus(opposite), gamma)
  const down = slopes(isUntrue, rest, p, softplus(logits), gamma)
  return tf.sub(tf.mul(p, down), tf.mul(rest, up))
}

/** w T (q - p) of each row: what a teacher adds. See `softTargets` of the loss. */
const softGradient = (logits: tf.Tensor2D, kind: HeadTargets["head"]["kind"], soft: SoftTargets): tf.Tensor => {
  const { probabilities, temperature } = soft
  const rows = soft.weights.length
  const classes = probabilities.length / rows
  const weights = soft.weights.map((weight) => weight / temperature)
  const expected = probabilities.map((p, at) => p * elementAt(weights, Math.floor(at / classes)))
  const own = tf.div(logits, temperature)
  const q = kind === "softmax" ? tf.softmax(own) : tf.sigmoid(own)
  const factors = tf.tensor2d(Float32Array.from(weights), [rows, 1])
  return tf.sub(tf.mul(q, factors), tf.tensor2d(Float32Array.from(expected), [rows, classes]))
}

/** Of a head whose logits are `adjusted` for the loss by the labels, and are `logits` for a teacher. */
const headGradient = (adjusted: tf.Tensor2D, logits: tf.Tensor2D, targets: HeadTargets, gamma: number): tf.Tensor => {
  // Nothing reaches a head without a known row, and nothing comes from a row that is not known, whatever its logits are.
  if (!hasKnown(targets)) return tf.zerosLike(logits)
  const { head, soft } = targets
  const hard =
    head.kind === "softmax" ? softmaxGradient(adjusted, targets, gamma) : sigmoidGradient(adjusted, targets, gamma)
  const gradient = soft === undefined ? hard : tf.add(hard, softGradient(logits, head.kind, soft))
  if (targets.known.every((share) => share > 0)) return gradient
  const { classes } = targets.head
  const isKnown = Uint8Array.from(targets.targets, (_, at) => (targets.known[Math.floor(at / classes)] === 0 ? 0 : 1))
  return tf.where(tf.tensor2d(isKnown, [targets.known.length, classes], "bool"), gradient, tf.zerosLike(gradient))
}

/** The gradient of a batch's loss with respect to the logits (rows, classes of all heads): that of `trainingLoss`. */
export const lossGradient = (
  logits: tf.Tensor2D,
  network: Pick<Network, "classes" | "heads">,
  batch: LabelledBatch,
  options: LossOptions
): tf.Tensor => {
  const { adjustment, focal = 0 } = options
  const adjusted = adjustment === undefined ? logits : tf.add<tf.Tensor2D>(logits, tf.tensor1d(adjustment))
  const all = targetsOf(network, batch, options)
  const [first] = all
  if (first !== undefined && all.length === 1) return headGradient(adjusted, logits, first, focal)
  const sizes = all.map(({ head }) => head.classes)
  const parts = tf.split<tf.Tensor2D>(adjusted, sizes, 1)
  const plain = adjusted === logits ? parts : tf.split<tf.Tensor2D>(logits, sizes, 1)
  return tf.concat(
    all.flatMap((targets, k) => {
      const [part, own] = [parts[k], plain[k]]
      return part === undefined || own === undefined ? [] : [headGradient(part, own, targets, focal)]
    }),
    1
  )
}
