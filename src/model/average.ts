import { Schema } from "effect"
import { between, intBetween, setting } from "../config/Setting.ts"
import type { Weights } from "./Tensor.ts"
import { named } from "./Tensor.ts"

/** An average of the weights along a run. */
export const AverageConfig = Schema.Struct({
  kind: setting(
    Schema.Literals(["ema", "swa"]),
    "ema",
    "`ema`: an exponential moving average, from the first step on. `swa`: the equal mean of the weights at the ends of epochs, whose batch norms get the mean statistics of one more pass over the training images before each validation (stochastic weight averaging; Izmailov et al., 2018)"
  ),
  decay: setting(
    between(0, 0.999999),
    0.9998,
    "ema: share of the average that stays when it moves; less in the first steps"
  ),
  everySteps: setting(intBetween(1, 1e6), 1, "ema: the average moves each so many steps"),
  from: setting(
    between(0, 0.999),
    0.75,
    "swa: share of the epochs after which the mean begins; until then the weights themselves are validated"
  )
})
export type AverageConfig = typeof AverageConfig.Type

/** What moves the average of a session. That of `swa` is moved from outside, at the ends of epochs. */
export type StepAverage = Pick<AverageConfig, "decay" | "everySteps" | "kind">

/**
 * How many epochs the mean of `swa` is of, when this many are done: those that end after the share `from` of the run. 0
 * before it begins.
 */
export const epochsInMean = ({ from }: Pick<AverageConfig, "from">, epochs: number, done: number): number =>
  Math.max(0, done - Math.floor(from * epochs))

/**
 * The equal mean of weights with those of one more epoch, the `count`th; the first is itself. Source: PyTorch's
 * `torch.optim.swa_utils.AveragedModel`.
 */
export const meanWith = (mean: Weights, weights: Weights, count: number): Weights =>
  count <= 1
    ? weights
    : new Map(
        Array.from(weights, ([name, { data, shape }]) => {
          const moved = Float32Array.from(named(mean, name).data)
          moveAverage(moved, data, 1 / count)
          return [name, { shape, data: moved }]
        })
      )

/**
 * How far the average moves to the weights after a step of the optimiser, from 0 (not at all) to 1; `step` counts the
 * steps before it.
 *
 * With n moves before it, 1 - min(decay, (1 + n) / (10 + n)): the first ones are large, so that the weights that a run
 * began with are soon forgotten. Source: TensorFlow's `ExponentialMovingAverage(num_updates)`.
 */
export const averageShare = ({ decay, everySteps, kind }: StepAverage, step: number): number => {
  if (kind !== "ema" || (step + 1) % everySteps !== 0) return 0
  const moves = (step + 1) / everySteps - 1
  return 1 - Math.min(decay, (1 + moves) / (10 + moves))
}

/**
 * Moves an average by a share of its distance to the weights, in place; where the two are equal, the average keeps its
 * bits.
 */
export const moveAverage = (average: Float32Array, weight: Float32Array, share: number): void => {
  for (let i = 0; i < average.length; i++) average[i] = average[i]! + share * (weight[i]! - average[i]!)
}
