import type { Schedule } from "./Schedule.ts"
import { warmUp } from "./Schedule.ts"

/** The configured rate, after the warm-up. */
export const constant: Schedule<"constant"> = {
  kind: "constant",
  rateAt: (config, at) => warmUp(config, at).share * at.learningRate,
  dependsOnTotal: ({ warmup }) => warmup > 0
}
