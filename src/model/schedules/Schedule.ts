import type { ScheduleConfig } from "../TrainConfig.ts"

/** A step of a run, counted from 0, among all its steps. */
export interface ScheduleAt {
  readonly step: number
  readonly steps: number
  readonly stepsPerEpoch: number
  /** The configured one. */
  readonly learningRate: number
}

/** How the learning rate moves over a run's steps. A new one is a file beside this one, and a line in `schedule.ts`. */
export interface Schedule<Kind extends string = string> {
  readonly kind: Kind
  readonly rateAt: (config: ScheduleConfig, at: ScheduleAt) => number
  /** Whether a step's rate depends on how many steps the run has in all. */
  readonly dependsOnTotal: (config: ScheduleConfig) => boolean
}

/** Half a cosine from one rate to another; `done` goes from 0 to 1. */
export const anneal = (from: number, to: number, done: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2

/** How far `step` is on its way from one step to another, 0 to 1; a way without length is at its end. */
export const progress = (step: number, from: number, to: number): number =>
  to === from ? 1 : (step - from) / (to - from)

/**
 * The steps of the warm-up, and the share of the rate that a step has by it: step i of w has (i + 1) / w, as PyTorch's
 * `LinearLR(start_factor=1/w, total_iters=w-1)`; the first step is not lost on a rate of 0.
 */
export const warmUp = (config: ScheduleConfig, { step, steps }: ScheduleAt) => {
  const length = Math.round(config.warmup * steps)
  return { length, share: step < length ? (step + 1) / length : 1 }
}
