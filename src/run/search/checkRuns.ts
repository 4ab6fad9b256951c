import { Effect, Struct } from "effect"
import { Engines } from "../../model/Engines.ts"
import { planNetwork } from "../../model/NetworkPlan.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { trainingData } from "../train/trainingData.ts"

const distinct = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => unknown): ReadonlyArray<A> => [
  ...new Map(items.map((item) => [canonical(keyOf(item)), item])).values()
]

/**
 * Checks that runs can be trained here: starts their engines on their networks, reads their data and decodes every
 * image. Returns a digest of all their data; fails as a run would.
 */
export const checkRuns = Effect.fn("checkRuns")(function* (configs: ReadonlyArray<RunConfig>) {
  const plans = yield* Effect.forEach(configs, ({ data, engine, image, network, train }) =>
    Effect.map(planNetwork(network, image, train, labelColumnsOf(data)), ({ smallest }) => ({ engine, smallest }))
  )
  for (const { engine, smallest } of distinct(plans, (plan) => plan))
    yield* Effect.scoped(Engines.use((engines) => engines.choose(engine, smallest)))
  const digests: Array<string> = []
  // All folds have the same images.
  const imagesOf = ({ data, image, seed }: RunConfig) => [
    { ...data, split: Struct.omit(data.split, ["fold", "seed"]) },
    image,
    data.split.seed ?? seed
  ]
  for (const config of distinct(configs, imagesOf)) digests.push((yield* trainingData(config)).digest)
  return yield* sha256(digests.join(" "))
})
