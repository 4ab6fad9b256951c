import type { Schedule } from "./Schedule.ts"
import { warmUp } from "./Schedule.ts"

/** Drops every few epochs; those of the warm-up count. Source: PyTorch's `StepLR`, stepped once an epoch. */
export const step: Schedule<"step"> = {
  kind: "step",
  rateAt: (config, at) =>
    warmUp(config, at).share *
    at.learningRate *
    config.gamma ** Math.floor(at.step / at.stepsPerEpoch / config.everyEpochs),
  dependsOnTotal: ({ warmup }) => warmup > 0
}
