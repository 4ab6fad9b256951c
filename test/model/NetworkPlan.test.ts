import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import { planNetwork } from "../../src/model/NetworkPlan.ts"
import type { NetworkName } from "../../src/model/networks.ts"
import { architectures, networkFor } from "../../src/model/networks.ts"
import { freezingOf, headOf, partNames } from "../../src/model/parts.ts"
import { checkNetwork, parameters } from "../../src/model/shapes.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"

const size = { height: 96, width: 80 }
const trainConfig = Schema.decodeSync(TrainConfig)
const networkConfig = Schema.decodeSync(NetworkConfig)

const oneColumn = [{ column: "kind" }]
const names = (classes: number) => Array.from({ length: classes }, (_, i) => `class ${i}`)

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
          const plan = yield* planNetwork(network, size, train, oneColumn)
          for (const classes of [2, 7]) {
            const built = yield* networkFor(network, { ...size, classes })
            assert.deepStrictEqual(plan.forColumns([{ classes: names(classes) }]), built)
            assert.deepStrictEqual(plan.freezing(13), yield* freezingOf(built, network, train, 13))
          }
        }
      })
  )

  it.effect.each(architectures.map(({ hasHeads, name }) => ({ hasHeads, name })))(
    "has a head for each label column, of its own kind: $name",
    ({ hasHeads, name }) =>
      Effect.gen(function* () {
        const columns = [
          { column: "kind" },
          { column: "tags", separator: ";", head: "batchnorm" as const },
          { column: "colour", weight: 0.5 }
        ]
        const network = networkConfig({ name, weights: "file" })
        const plan = yield* planNetwork(network, size, trainConfig({}), columns)
        const built = plan.forColumns([5, 1, 3].map((classes) => ({ classes: names(classes) })))
        checkNetwork(built)
        assert.deepStrictEqual(built.heads, [
          { name: "kind", classes: 5, kind: "softmax" },
          { name: "tags", classes: 1, kind: "sigmoid" },
          { name: "colour", classes: 3, kind: "softmax" }
        ])
        assert.strictEqual(built.classes, 9)
        const classifier = headOf(built) ?? ""
        const alone = yield* networkFor(network, { ...size, classes: 5 })
        const tensors = new Map(parameters(built).map((one) => [one.name, one.shape]))
        // All but the heads is the network of one column; a head of one layer is that one's under another name.
        for (const { name, shape } of parameters(alone)) {
          const own = name.startsWith(`${classifier}.`) ? name.replace(classifier, `${classifier}.heads.0`) : name
          assert.deepStrictEqual(tensors.get(own), shape, own)
        }
        assert.strictEqual(tensors.has(`${classifier}.heads.1.0.1.running_mean`), hasHeads)
        const last = hasHeads ? `${classifier}.heads.1.1` : `${classifier}.heads.1`
        assert.deepStrictEqual(tensors.get(`${last}.bias`), [1])
        assert.deepStrictEqual(tensors.get(`${classifier}.heads.2.bias`), [3])
        // The plan for the smallest data has the same names.
        assert.deepStrictEqual(
          parameters(plan.smallest).map(({ name }) => name),
          [...tensors.keys()]
        )
      })
  )

  it.effect("has a head with several values where that is its only label column", () =>
    Effect.gen(function* () {
      const network = networkConfig({ name: "simple-cnn" })
      const plan = yield* planNetwork(network, size, trainConfig({}), [{ column: "tags", separator: ";" }])
      const built = plan.forColumns([{ classes: names(4) }])
      assert.deepStrictEqual(built.heads, [{ name: "tags", classes: 4, kind: "sigmoid" }])
      checkNetwork(built)
    })
  )

  it.effect("is refused where its blocks do not fit the images, or do not exist", () =>
    Effect.gen(function* () {
      const network = networkConfig({ name: "simple-cnn" })
      const misfit = yield* Effect.flip(planNetwork(network, { height: 20, width: 80 }, trainConfig({}), oneColumn))
      assert.strictEqual(misfit._tag, "NetworkMisfit")
      const unknown = { unfreeze: [{ epoch: 1, from: "conv9" }] }
      const missing = yield* Effect.flip(planNetwork(network, size, trainConfig(unknown), oneColumn))
      assert.match(missing.message, /`train\.unfreeze`: simple-cnn has no block "conv9"/)
    })
  )
})
