import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import { planNetwork } from "../../src/model/NetworkPlan.ts"
import type { NetworkName } from "../../src/model/networks.ts"
import { architectures, networkFor } from "../../src/model/networks.ts"
import { freezingOf, partNames } from "../../src/model/parts.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"

const size = { height: 96, width: 80 }
const trainConfig = Schema.decodeSync(TrainConfig)
const networkConfig = Schema.decodeSync(NetworkConfig)

/** A configuration of every kind of freezing, with the blocks that a network has. */
const configsOf = Effect.fnUntraced(function* (name: NetworkName) {
  const parts = partNames(yield* networkFor(networkConfig({ name, weights: "file" }), { ...size, classes: 4 }))
  const [early = "", middle = ""] = [parts[1] ?? parts[0], parts[parts.length >> 1]]
  return [
    { network: networkConfig({ name, weights: "file" }), train: trainConfig({}) },
    {
      network: networkConfig({ name, weights: "file", trainable: "head", batchNorm: "frozen" }),
      train: trainConfig({
        unfreeze: [
          { epoch: 1, from: middle },
          { epoch: 3, from: early }
        ]
      })
    },
    {
      network: networkConfig({ name, weights: "file", trainable: { from: middle } }),
      train: trainConfig({ rates: [{ from: middle, factor: 0.1 }] })
    }
  ]
})

describe("a network that is planned before its data are read", () => {
  it.effect.each(architectures.map(({ name }) => name))(
    "is the one that is built when the classes are known: %s",
    (name) =>
      Effect.gen(function* () {
        for (const { network, train } of yield* configsOf(name)) {
          const plan = yield* planNetwork(network, size, train)
          for (const classes of [2, 7]) {
            const built = yield* networkFor(network, { ...size, classes })
            assert.deepStrictEqual(plan.forClasses(classes), built)
            assert.deepStrictEqual(plan.freezing(13), yield* freezingOf(built, network, train, 13))
          }
        }
      })
  )

  it.effect("is refused where its blocks do not fit the images, or do not exist", () =>
    Effect.gen(function* () {
      const network = networkConfig({ name: "simple-cnn" })
      const misfit = yield* Effect.flip(planNetwork(network, { height: 20, width: 80 }, trainConfig({})))
      assert.strictEqual(misfit._tag, "NetworkMisfit")
      const unknown = { unfreeze: [{ epoch: 1, from: "conv9" }] }
      const missing = yield* Effect.flip(planNetwork(network, size, trainConfig(unknown)))
      assert.match(missing.message, /`train\.unfreeze`: simple-cnn has no block "conv9"/)
    })
  )
})
