import type { ScheduleConfig, TrainConfig } from "./TrainConfig.ts"

/** Half a cosine from one rate to another; `done` goes from 0 to 1. */
const anneal = (from: number, to: number, done: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2

/** How far `step` is on its way from one step to another, 0 to 1; a way without length is at its end. */
const progress = (step: number, from: number, to: number): number => (to === from ? 1 : (step - from) / (to - from))

/** Steps in which the rate rises linearly: from one part of the rate at the first step to all of it at the last. */
const warmupSteps = (config: ScheduleConfig, steps: number): number => Math.round(config.warmup * steps)

/** Two halves of a cosine: up to the learning rate, then down to nearly nothing. */
const oneCycle = (config: ScheduleConfig, learningRate: number, step: number, steps: number): number => {
  const first = learningRate / config.startDivisor
  // Need not be a whole step: PyTorch's phases meet between two steps where the share does not fit.
  const top = config.rise * steps - 1
  return step <= top
    ? anneal(first, learningRate, progress(step, 0, top))
    : anneal(learningRate, first / config.endDivisor, progress(step, top, steps - 1))
}

/**
 * The learning rate of a step, counted from 0 over the whole run.
 *
 * - `constant`, `step` and `cosine` begin with the warm-up: step i of w has (i + 1) / w of the rate, as PyTorch's
 *   `LinearLR(start_factor=1/w, total_iters=w-1)`; its first step is not lost on a rate of 0.
 * - `step`: PyTorch's `StepLR`, stepped once an epoch; the epochs of the warm-up count.
 * - `cosine`: `CosineAnnealingLR` over the steps after the warm-up; the last step has the last rate.
 * - `one-cycle`: `OneCycleLR(anneal_strategy="cos", three_phase=False, cycle_momentum=False)`: the momentum stays as it
 *   is. Where PyTorch would divide by zero (a rise of just one step), that step has the highest rate.
 *
 * A run of a single step has, by these rules, the full rate (constant, step, cosine) or the last one (one-cycle).
 */
export const learningRateAt = (
  config: Pick<TrainConfig, "epochs" | "learningRate" | "schedule">,
  at: { readonly step: number; readonly stepsPerEpoch: number }
): number => {
  const { epochs, learningRate, schedule } = config
  const { step, stepsPerEpoch } = at
  const steps = stepsPerEpoch * epochs
  if (schedule.kind === "one-cycle") return oneCycle(schedule, learningRate, step, steps)
  const warmup = warmupSteps(schedule, steps)
  const warm = step < warmup ? (step + 1) / warmup : 1
  switch (schedule.kind) {
    case "constant":
      return warm * learningRate
    case "step":
      return warm * learningRate * schedule.gamma ** Math.floor(step / stepsPerEpoch / schedule.everyEpochs)
    case "cosine": {
      if (step <= warmup) return warm * learningRate
      return anneal(learningRate, schedule.final * learningRate, progress(step, warmup, steps - 1))
    }
  }
}
