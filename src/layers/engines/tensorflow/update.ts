import * as tf from "@tensorflow/tfjs-core"
import { ruleOf, stepScalars } from "../../../model/optimizers.ts"
import type { WeightOperators } from "../tfjs/Operators.ts"
import { update } from "../tfjs/update.ts"
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
  (run: Runner): WeightOperators["update"] =>
  (rule, changes) => {
    const { clipNorm, clipValue, optimizer } = rule
    const settingsIn = settingsOf[ruleOf(optimizer).name]
    if (settingsIn === undefined) return update(rule, changes)
    const count = run.int("N", changes.length)
    const gradients = changes.map(({ gradient }) => gradient)
    const norm = run.one("WeftNorm", [count], ...gradients)
    const slotsAt = (at: number) => changes.flatMap(({ slots }) => Object.values(slots).slice(at, at + 1))
    const [first, second] = [slotsAt(0), slotsAt(1)]
    const settings = tf.tensor2d(
      changes.flatMap(({ at }) => settingsIn(stepScalars(optimizer, at)) as number[]), // a rule has its own scalars
      [changes.length, 3]
    )
    const { beta1, beta2, eps, kind, momentum, nesterov, weightDecay } = optimizer
    run.raw(
      "WeftUpdate",
      [
        count,
        run.int("M", first.length),
        run.int("L", second.length),
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
      [...changes.map(({ weight }) => weight), ...gradients, ...first, ...second, settings, norm],
      0
    )
    return { after: changes, norm }
  }

/**
 * One step of an optimiser: by one operation for all on a processor, by one for each weight on a GPU; by TensorFlow.js where
 * neither has the rule.
 */
export const updateOf = (run: Runner, variables: Variables): WeightOperators["update"] =>
  run.usesGpu ? variableUpdate(run, variables) : inPlace(run)
