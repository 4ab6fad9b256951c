import { Effect } from "effect"
import type { NetworkOptions } from "./Architecture.ts"
import type { Freezing } from "./Engine.ts"
import type { Network } from "./Network.ts"
import type { NetworkConfig } from "./NetworkConfig.ts"
import { buildNetwork, networkFor } from "./networks.ts"
import { forEngine, freezingOf } from "./parts.ts"
import type { TrainConfig } from "./TrainConfig.ts"

/** A run's network before its data are read, when all but the number of classes is known. */
export interface NetworkPlan {
  /**
   * The network with the fewest classes that a run can have, for a preflight before the data are read; without what no
   * engine applies.
   */
  readonly smallest: Network
  readonly forClasses: (classes: number) => Network
  /**
   * Which blocks are trained when, and how fast. Blocks and names of weights do not depend on the number of classes.
   */
  readonly freezing: (stepsPerEpoch: number) => Freezing
}

/** With one class there is nothing to learn, so that such data are refused. */
const fewestClasses = 2

/** A configuration's network, checked: that its blocks fit its images, and that it has the blocks that are named. */
export const planNetwork = Effect.fnUntraced(function* (
  network: NetworkConfig,
  { height, width }: Pick<NetworkOptions, "height" | "width">,
  train: TrainConfig
) {
  const smallest = yield* networkFor(network, { height, width, classes: fewestClasses })
  const { stages, ...freezing } = yield* freezingOf(smallest, network, train, 1)
  return {
    smallest: forEngine(smallest),
    forClasses: (classes) => buildNetwork(network, { height, width, classes }),
    freezing: (stepsPerEpoch) => ({
      ...freezing,
      stages: stages.map(({ from, step: epoch }) => ({ from, step: epoch * stepsPerEpoch }))
    })
  } satisfies NetworkPlan
})
