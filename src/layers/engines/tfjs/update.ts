import * as tf from "@tensorflow/tfjs-core"
import { ruleOf, stepScalars } from "../../../model/optimizers.ts"
import type { Arithmetic } from "../../../model/optimizers/Optimizer.ts"
import type { OptimizerConfig } from "../../../model/TrainConfig.ts"
import type { Change, Trained, WeightOperators } from "./Operators.ts"

const arithmetic: Arithmetic<tf.Tensor> = {
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  sqrt: (a) => tf.sqrt(a),
  sign: (a) => tf.sign(a),
  name: (_name, value) => value
}

/** The rule of an optimiser, an operation of TensorFlow.js for each of its own. */
const apply = (optimizer: OptimizerConfig, { at, gradient, name, slots, weight }: Change): Trained => {
  const { weight: after, ...rest } = ruleOf(optimizer).apply(arithmetic, {
    ...slots,
    ...Object.fromEntries(Object.entries(stepScalars(optimizer, at)).map(([name, value]) => [name, tf.scalar(value)])),
    weight,
    gradient
  })
  return { name, weight: after, slots: rest }
}

/** One step of any optimiser by TensorFlow.js's own operations, for rules that a backend has no faster way for. */
export const update: WeightOperators["update"] = ({ clipNorm, clipValue, optimizer }, changes) => {
  const norm = tf.sqrt(tf.addN(changes.map(({ gradient }) => tf.sum(tf.square(gradient)))))
  const factor = clipNorm === undefined ? undefined : tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1)
  const after = changes.map((change) => {
    const scaled = factor === undefined ? change.gradient : tf.mul(change.gradient, factor)
    const gradient = clipValue === undefined ? scaled : tf.clipByValue(scaled, -clipValue, clipValue)
    return apply(optimizer, { ...change, gradient })
  })
  return { after, norm }
}
