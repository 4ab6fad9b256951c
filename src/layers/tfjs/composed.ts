import * as tf from "@tensorflow/tfjs-core"
import type { OptimizerConfig } from "../../model/TrainConfig.ts"
import type { Change, Operators } from "./Device.ts"

const channelSums: Operators["channelSums"] = (x) =>
  tf.sum(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis)
  )

const rectified: Operators["rectified"] = (dy, y, kind) => {
  const below = tf.lessEqual(y, 0)
  const isCut = kind === "relu" ? below : tf.logicalOr(below, tf.greaterEqual(y, 6))
  const gradient = tf.where(isCut, tf.zerosLike(dy), dy)
  return { gradient, sums: channelSums(gradient) }
}

/** See `sgd` in model/optimizer.ts; here in float32. */
const sgd = (
  { dampening, momentum, nesterov, weightDecay }: OptimizerConfig,
  { at: { learningRate, step }, gradient, slots: [slot], weight }: Change
) => {
  const decayed = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(weight, weightDecay))
  if (slot === undefined) return { weight: tf.sub(weight, tf.mul(decayed, learningRate)), slots: [] }
  const moved = step === 0 ? tf.clone(decayed) : tf.add(tf.mul(slot, momentum), tf.mul(decayed, 1 - dampening))
  const change = nesterov ? tf.add(decayed, tf.mul(moved, momentum)) : moved
  return { weight: tf.sub(weight, tf.mul(change, learningRate)), slots: [moved] }
}

/** See `adam` in model/optimizer.ts; here in float32. */
const adam = (
  { beta1, beta2, eps, kind, weightDecay }: OptimizerConfig,
  { at: { learningRate, step }, gradient, slots: [mean, variance], weight }: Change
) => {
  const rate = learningRate / (1 - beta1 ** (step + 1))
  const root = Math.sqrt(1 - beta2 ** (step + 1))
  const g = kind === "adam" && weightDecay !== 0 ? tf.add(gradient, tf.mul(weight, weightDecay)) : gradient
  const m = tf.add(tf.mul(mean!, beta1), tf.mul(g, 1 - beta1)) // adam keeps both slots
  const v = tf.add(tf.mul(variance!, beta2), tf.mul(tf.square(g), 1 - beta2))
  const change = tf.div(tf.mul(m, rate), tf.add(tf.div(tf.sqrt(v), root), eps))
  const kept = kind === "adamw" ? tf.mul(weight, 1 - learningRate * weightDecay) : weight
  return { weight: tf.sub(kept, change), slots: [m, v] }
}

const update: Operators["update"] = ({ clipNorm, clipValue, optimizer }, changes) => {
  const norm = tf.sqrt(tf.addN(changes.map(({ gradient }) => tf.sum(tf.square(gradient)))))
  const factor = clipNorm === undefined ? undefined : tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1)
  const after = changes.map((change) => {
    const scaled = factor === undefined ? change.gradient : tf.mul(change.gradient, factor)
    const gradient = clipValue === undefined ? scaled : tf.clipByValue(scaled, -clipValue, clipValue)
    return (optimizer.kind === "sgd" ? sgd : adam)(optimizer, { ...change, gradient })
  })
  return { after, norm }
}

const average: Operators["average"] = (pairs, share) =>
  pairs.map(({ average, weight }) => tf.add(average, tf.mul(tf.sub(weight, average), share)))

/** All operators made of TensorFlow.js's own, for any backend. */
export const composed: Operators = { rectified, channelSums, update, average }
