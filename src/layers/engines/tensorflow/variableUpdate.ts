import * as tf from "@tensorflow/tfjs-core"
import { ruleOf, stepScalars } from "../../../model/optimizers.ts"
import type { UpdateAt } from "../../../model/optimizers/Optimizer.ts"
import type { Change, UpdateRule, WeightOperators } from "../tfjs/Operators.ts"
import { update } from "../tfjs/update.ts"
import type { Runner } from "./Runner.ts"
import type { Variables } from "./Variables.ts"

/** Euclidean norm of all gradients together. */
const normOf = (run: Runner, changes: ReadonlyArray<Change>): tf.Tensor =>
  tf.sqrt(tf.mul(tf.addN(changes.map(({ gradient }) => run.one("L2Loss", [run.float], gradient))), 2))

/** `gradient` plus the weight's decay. */
const decayed = (run: Runner, { gradient, weight }: Change, weightDecay: number): tf.Tensor =>
  weightDecay === 0
    ? gradient
    : run.one("AddV2", [run.float], gradient, run.one("Mul", [run.float], weight, tf.scalar(weightDecay)))

/** See model/optimizers/sgd.ts. */
const sgd = (run: Runner, variables: Variables, { optimizer }: UpdateRule, at: UpdateAt) => {
  const rate = tf.scalar(at.learningRate)
  const momentum = tf.scalar(optimizer.momentum)
  const { added: share = 1 } = stepScalars(optimizer, at)
  return (change: Change): void => {
    const slots = Object.values(change.slots)
    const whole = decayed(run, change, optimizer.weightDecay)
    const gradient = share === 1 || slots.length === 0 ? whole : tf.mul(whole, share)
    variables.change(change.weight, slots, (handle, [slot]) => {
      if (slot === undefined) run.raw("ResourceApplyGradientDescent", [run.float], [handle, rate, gradient], 0)
      else
        run.raw(
          "ResourceApplyMomentum",
          [run.float, run.bool("use_nesterov", optimizer.nesterov)],
          [handle, slot, rate, gradient, momentum],
          0
        )
    })
  }
}

/**
 * See model/optimizers/adam.ts. TensorFlow adds eps to the root before it is corrected: ours is corrected with it,
 * which comes to the same.
 */
const adam = (run: Runner, variables: Variables, { optimizer }: UpdateRule, at: UpdateAt) => {
  const { beta1, beta2, eps, kind, weightDecay } = optimizer
  const { learningRate, step } = at
  const { root = 1 } = stepScalars(optimizer, at)
  const settings = [beta1 ** (step + 1), beta2 ** (step + 1), learningRate, beta1, beta2, eps * root].map((x) =>
    tf.scalar(x)
  )
  const decay = tf.scalar(learningRate * weightDecay)
  return (change: Change): void => {
    const { slots, weight } = change
    const gradient = decayed(run, change, kind === "adam" ? weightDecay : 0)
    const shrink = kind === "adamw" && weightDecay !== 0 ? run.one("Mul", [run.float], weight, decay) : undefined
    variables.change(weight, Object.values(slots), (handle, slots) => {
      if (shrink !== undefined)
        run.raw("AssignSubVariableOp", [run.type("dtype", run.types.float)], [handle, shrink], 0)
      run.raw("ResourceApplyAdam", [run.float], [handle, ...slots, ...settings, gradient], 0)
    })
  }
}

/** The rules that TensorFlow has operations for. */
const applies: Readonly<Record<string, typeof sgd>> = { sgd, momentum: sgd, adam }

/** One step of an optimiser, one operation of TensorFlow a weight: on a GPU. Source: TensorFlow's training_ops. */
export const variableUpdate =
  (run: Runner, variables: Variables): WeightOperators["update"] =>
  (rule, changes) => {
    const { clipNorm, clipValue, optimizer } = rule
    const apply = applies[ruleOf(optimizer).name]
    if (apply === undefined) return update(rule, changes)
    const norm = normOf(run, changes)
    const factor = clipNorm === undefined ? undefined : tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1)
    // Most weights are changed at the same step and rate: their settings are one set of tensors.
    const known = new Map<string, (change: Change) => void>()
    const applyAt = (at: UpdateAt) => {
      const key = `${at.step} ${at.learningRate}`
      const applied = known.get(key) ?? apply(run, variables, rule, at)
      known.set(key, applied)
      return applied
    }
    for (const change of changes) {
      const scaled = factor === undefined ? change.gradient : tf.mul(change.gradient, factor)
      const gradient = clipValue === undefined ? scaled : tf.clipByValue(scaled, -clipValue, clipValue)
      applyAt(change.at)({ ...change, gradient })
    }
    return { after: changes, norm }
  }
