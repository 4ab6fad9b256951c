import { Schema } from "effect"
import { between, intBetween, setting, Share } from "../../config/Setting.ts"

/** The keys in the configuration's `train.schedule`, beside the kind. */
export const scheduleSettings = {
  warmup: setting(Share, 0, "constant, step, cosine: share of all steps in which the rate rises linearly from 0"),
  everyEpochs: setting(intBetween(1, 100_000), 7, "step: epochs between two drops"),
  gamma: setting(between(1e-6, 1), 0.1, "step: factor of a drop"),
  final: setting(between(0, 1), 0, "cosine: the last rate, as a share of the learning rate"),
  rise: setting(between(0.01, 0.99), 0.3, "one-cycle: share of all steps in which the rate rises"),
  startDivisor: setting(between(1, 1e6), 25, "one-cycle: the first rate is the learning rate divided by this"),
  endDivisor: setting(between(1, 1e9), 1e4, "one-cycle: the last rate is the first one divided by this")
}
const ScheduleSettings = Schema.Struct(scheduleSettings)
export type ScheduleSettings = typeof ScheduleSettings.Type

/** A step of a run, counted from 0, among all its steps. */
export interface ScheduleAt {
  readonly step: number
  readonly steps: number
  readonly stepsPerEpoch: number
  /** The configured learning rate. */
  readonly learningRate: number
}

/** How the learning rate moves over a run's steps. A new one is a file beside this one, and a line in `schedule.ts`. */
export interface Schedule<Kind extends string = string> {
  readonly kind: Kind
  readonly rateAt: (config: ScheduleSettings, at: ScheduleAt) => number
  /** Whether a step's rate depends on how many steps the run has in all. */
  readonly dependsOnTotal: (config: ScheduleSettings) => boolean
}

/** Half a cosine from one rate to another; `done` goes from 0 to 1. */
export const anneal = (from: number, to: number, done: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2

/** The position of `step` between two steps, 0 to 1; 1 where the two are the same step. */
export const progress = (step: number, from: number, to: number): number =>
  to === from ? 1 : (step - from) / (to - from)

/**
 * The steps of the warm-up, and a step's share of the rate: step i of w has (i + 1) / w, as PyTorch's
 * `LinearLR(start_factor=1/w, total_iters=w-1)`; the first step is not lost on a rate of 0.
 */
export const warmUp = (config: ScheduleSettings, { step, steps }: ScheduleAt) => {
  const length = Math.round(config.warmup * steps)
  return { length, share: step < length ? (step + 1) / length : 1 }
}
