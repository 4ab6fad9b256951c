import { Schema } from "effect"
import { between, intBetween, setting } from "../config/Setting.ts"

/** An exponential moving average of the weights. */
export const EmaConfig = Schema.Struct({
  decay: setting(
    between(0, 0.999999),
    0.9998,
    "Share of the average that stays when it moves; less in the first steps"
  ),
  everySteps: setting(intBetween(1, 1e6), 1, "The average moves each so many steps")
})
export type EmaConfig = typeof EmaConfig.Type

/**
 * How far the average moves to the weights after a step of the optimiser, from 0 (not at all) to 1; `step` counts the
 * steps before it.
 *
 * With n moves before it, 1 - min(decay, (1 + n) / (10 + n)): the first ones are large, so that the weights that a run
 * began with are soon forgotten. Source: TensorFlow's `ExponentialMovingAverage(num_updates)`.
 */
export const emaShare = ({ decay, everySteps }: EmaConfig, step: number): number => {
  if ((step + 1) % everySteps !== 0) return 0
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
