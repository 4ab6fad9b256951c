import type { Schedule } from "./Schedule.ts"
import { anneal, progress } from "./Schedule.ts"

/**
 * Two halves of a cosine: up to the learning rate, then down to nearly nothing. The momentum stays as it is.
 *
 * Where PyTorch would divide by zero (a rise of just one step), that step has the highest rate.
 * Source: PyTorch's `OneCycleLR(anneal_strategy="cos", three_phase=False, cycle_momentum=False)`.
 */
export const oneCycle: Schedule<"one-cycle"> = {
  kind: "one-cycle",
  rateAt: (config, { learningRate, step, steps }) => {
    const first = learningRate / config.startDivisor
    // Need not be a whole step: PyTorch's phases meet between two steps where the share does not fit.
    const top = config.rise * steps - 1
    return step <= top
      ? anneal(first, learningRate, progress(step, 0, top))
      : anneal(learningRate, first / config.endDivisor, progress(step, top, steps - 1))
  },
  dependsOnTotal: () => true
}
