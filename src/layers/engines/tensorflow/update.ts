import * as tf from "@tensorflow/tfjs-core"
import { ruleOf, stepScalars } from "../../../model/optimizers.ts"
import { composedUpdate } from "../tfjs/composed.ts"
import type { Operators } from "../tfjs/Device.ts"
import type { Runner } from "./Runner.ts"
import { variableUpdate } from "./variableUpdate.ts"
import type { Variables } from "./Variables.ts"

type Scalars = ReturnType<typeof stepScalars>

/** The rules that the operation has, each with the three numbers of a weight's step that it takes; see native/update.h. */
const settingsOf: Readonly<Record<string, (scalars: Scalars) => ReadonlyArray<number | undefined>>> = {
  sgd: ({ rate }) => [rate, 1, 1],
  momentum: ({ added, rate }) => [rate, added, 1],
  adam: ({ kept, rate, root = 1 }) => [rate, 1 / root, kept]
}

/**
 * One step of an optimiser for all weights, in one operation of Weft's own, which changes them and the slots in place:
 * their tensors are the session's, and nothing shares their memory.
 */
const inPlace =
  (run: Runner): Operators["update"] =>
  (rule, changes) => {
    const { clipNorm, clipValue, optimizer } = rule
    const settingsIn = settingsOf[ruleOf(optimizer).name]
    if (settingsIn === undefined) return composedUpdate(rule, changes)
    const count = run.int("N", changes.length)
    const gradients = changes.map(({ gradient }) => gradient)
    const norm = run.many("WeftNorm", [count], gradients, 1)[0]!
    const slots = [0, 1].map((at) => changes.flatMap(({ slots }) => slots.slice(at, at + 1)))
    const settings = tf.tensor2d(
      changes.flatMap(({ at }) => settingsIn(stepScalars(optimizer, at)) as number[]), // a rule has its own scalars
      [changes.length, 3]
    )
    const { beta1, beta2, eps, kind, momentum, nesterov, weightDecay } = optimizer
    run.raw(
      "WeftUpdate",
      [
        count,
        run.int("M", slots[0]!.length),
        run.int("L", slots[1]!.length),
        run.int("adam", kind === "sgd" ? 0 : 1),
        run.int("nesterov", nesterov ? 1 : 0),
        run.number("momentum", momentum),
        run.number("beta1", beta1),
        run.number("beta2", beta2),
        run.number("eps", eps),
        run.number("decay", kind === "adamw" ? 0 : weightDecay),
        run.number("clip_norm", clipNorm ?? 0),
        run.number("clip_value", clipValue ?? 0)
      ],
      [...changes.map(({ weight }) => weight), ...gradients, ...slots.flat(), settings, norm],
      0
    )
    return { after: changes, norm }
  }

/**
 * See `moveAverage` in model/ema.ts; in place, as a step of gradient descent whose gradient is how far the average lies
 * from the weight.
 */
export const averageOf =
  (run: Runner, variables: Variables): Operators["average"] =>
  (pairs, share) => {
    const rate = tf.scalar(share)
    return pairs.map(({ average, weight }) => {
      const apart = run.one("Sub", [run.float], average, weight)
      variables.change([average], ([handle]) =>
        run.raw("ResourceApplyGradientDescent", [run.float], [handle!, rate, apart], 0)
      )
      return average
    })
  }

/**
 * One step of an optimiser: by one operation for all on a processor, by one for each weight on a GPU; composed where
 * neither has the rule.
 */
export const updateOf = (run: Runner, variables: Variables): Operators["update"] =>
  run.usesGpu ? variableUpdate(run, variables) : inPlace(run)
