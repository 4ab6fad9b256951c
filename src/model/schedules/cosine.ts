import type { Schedule } from "./Schedule.ts"
import { anneal, progress, warmUp } from "./Schedule.ts"

/** Half a cosine over the steps after the warm-up; the last step has the last rate. Source: PyTorch's `CosineAnnealingLR`. */
export const cosine: Schedule<"cosine"> = {
  kind: "cosine",
  rateAt: (config, at) => {
    const { learningRate, step, steps } = at
    const { length, share } = warmUp(config, at)
    if (step <= length) return share * learningRate
    return anneal(learningRate, config.final * learningRate, progress(step, length, steps - 1))
  },
  dependsOnTotal: () => true
}
