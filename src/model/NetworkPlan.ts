import { Effect } from "effect"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { LabelColumnConfig } from "../pipeline/LabelColumnConfig.ts"
import type { HeadOptions, NetworkOptions } from "./Architecture.ts"
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
  /** The network for the label columns of the data, which are those of the configuration, in its order. */
  readonly forColumns: (columns: ReadonlyArray<Pick<LabelColumn, "classes">>) => Network
  /**
   * Which blocks are trained when, and how fast. Blocks and names of weights do not depend on the number of classes.
   */
  readonly freezing: (stepsPerEpoch: number) => Freezing
}

/** With one class there is nothing to learn, so that such data are refused. */
const fewestClasses = 2

/** The settings of a label column that its head depends on. */
type HeadSettings = Pick<LabelColumnConfig, "column" | "head" | "separator">

/** The heads of a network for label columns, with the number of classes of each. */
export const headsFor = (
  settings: ReadonlyArray<HeadSettings>,
  classesOf: (index: number) => number
): ReadonlyArray<HeadOptions> =>
  settings.map(({ column, head, separator }, index) => ({
    name: column,
    classes: classesOf(index),
    kind: separator === undefined ? "softmax" : "sigmoid",
    head
  }))

/** A configuration's network, checked: that its blocks fit its images, and that it has the blocks that are named. */
export const planNetwork = Effect.fnUntraced(function* (
  network: NetworkConfig,
  { height, width }: Pick<NetworkOptions, "height" | "width">,
  train: TrainConfig,
  labelColumns: ReadonlyArray<HeadSettings>
) {
  const smallest = yield* networkFor(network, { height, width, classes: headsFor(labelColumns, () => fewestClasses) })
  const { stages, ...freezing } = yield* freezingOf(smallest, network, train, 1)
  return {
    smallest: forEngine(smallest),
    forColumns: (columns) =>
      buildNetwork(network, {
        height,
        width,
        classes: headsFor(labelColumns, (index) => columns[index]?.classes.length ?? 0)
      }),
    freezing: (stepsPerEpoch) => ({
      ...freezing,
      stages: stages.map(({ from, step: epoch }) => ({ from, step: epoch * stepsPerEpoch }))
    })
  } satisfies NetworkPlan
})
