import * as tf from "@tensorflow/tfjs-core"
import type { UpdateAt } from "../../../model/optimizer.ts"
import type { OptimizerConfig } from "../../../model/TrainConfig.ts"
import type { Operators } from "../tfjs/Device.ts"
import type { Runner } from "./Runner.ts"
import { variableUpdate } from "./variableUpdate.ts"
import type { Variables } from "./Variables.ts"

/** What the operation is to know of a weight's step: three numbers; see native/update.h. */
const settingsAt = (
  { beta1, beta2, dampening, kind, weightDecay }: OptimizerConfig,
  { learningRate, step }: UpdateAt
): ReadonlyArray<number> =>
  kind === "sgd"
    ? [learningRate, step === 0 ? 1 : 1 - dampening, 1]
    : [
        learningRate / (1 - beta1 ** (step + 1)),
        1 / Math.sqrt(1 - beta2 ** (step + 1)),
        kind === "adamw" ? 1 - learningRate * weightDecay : 1
      ]

/**
 * One step of an optimiser for all weights, in one operation of Weft's own, which changes them and the slots in place:
 * their tensors are the session's, and nothing shares their memory.
 */
const inPlace =
  (run: Runner): Operators["update"] =>
  ({ clipNorm, clipValue, optimizer }, changes) => {
    const count = run.int("N", changes.length)
    const gradients = changes.map(({ gradient }) => gradient)
    const norm = run.many("WeftNorm", [count], gradients, 1)[0]!
    const slots = [0, 1].map((at) => changes.flatMap(({ slots }) => slots.slice(at, at + 1)))
    const settings = tf.tensor2d(
      changes.flatMap(({ at }) => settingsAt(optimizer, at)),
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

/** One step of an optimiser: by one operation for all on a processor, by one for each weight on a GPU. */
export const updateOf = (run: Runner, variables: Variables): Operators["update"] =>
  run.usesGpu ? variableUpdate(run, variables) : inPlace(run)
