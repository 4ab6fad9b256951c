import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { between, intBetween } from "../../src/config/Setting.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"
import { elementAt } from "../../src/pipeline/elementAt.ts"
import { order } from "../../src/pipeline/order.ts"
import { classQuotas, drawnSamples, epochOrder } from "../../src/pipeline/sampling.ts"

/** Samples of classes of these sizes, the classes in turn. */
const samplesOf = (sizes: ReadonlyArray<number>) =>
  sizes
    .flatMap((size, label) => Array.from({ length: size }, (_, i) => ({ id: `${label}-${i}`, label, turn: i })))
    .sort((a, b) => a.turn - b.turn)

const countsOf = (samples: ReadonlyArray<{ readonly label: number }>, classes: number) =>
  Array.from({ length: classes }, (_, label) => samples.filter((one) => one.label === label).length)

const Sizes = Schema.Array(intBetween(0, 80)).check(Schema.isBetweenLength(1, 8))
const tail = [300, 90, 27, 9, 3]

describe("the sampling of an epoch", () => {
  it.effect.prop(
    "gives a class n_c^power / sum of all n_j^power of the epoch's samples, to less than one sample",
    { sizes: Sizes, power: between(0, 1) },
    ({ power, sizes }) =>
      Effect.sync(() => {
        const all = sizes.reduce((sum, size) => sum + size, 0)
        const weights = sizes.map((size) => (size === 0 ? 0 : size ** power))
        const sum = weights.reduce((sum, weight) => sum + weight, 0)
        const quotas = classQuotas(sizes, power)
        assert.strictEqual(
          quotas.reduce((sum, quota) => sum + quota, 0),
          all
        )
        quotas.forEach((quota, label) => {
          if (sizes[label] === 0) return assert.strictEqual(quota, 0)
          assert.isAtLeast(quota, 1)
          assert.isBelow(Math.abs(quota - (all * elementAt(weights, label)) / sum), 1 + 1e-9)
        })
      })
  )

  it("is what one counts by hand", () => {
    assert.deepStrictEqual(classQuotas([90, 9, 1], 0), [34, 33, 33])
    // Square roots 9.487, 3 and 1 of 13.487.
    assert.deepStrictEqual(classQuotas([90, 9, 1], 0.5), [70, 22, 8])
    assert.deepStrictEqual(classQuotas([90, 9, 1], 1), [90, 9, 1])
  })

  it.effect.prop(
    "has these classes in its order, each sample of a class as often as the others or once more",
    { sizes: Sizes, power: between(0, 1), seed: Schema.Int, epoch: intBetween(0, 50) },
    ({ epoch, power, seed, sizes }) =>
      Effect.sync(() => {
        const samples = samplesOf(sizes)
        const indexes = epochOrder(samples, { power }, seed, epoch)
        assert.deepStrictEqual(epochOrder(samples, { power }, seed, epoch), indexes)
        const drawn = drawnSamples(samples, indexes)
        assert.deepStrictEqual(countsOf(drawn, sizes.length), [...classQuotas(sizes, power)])
        sizes.forEach((_, label) => {
          const times = samples
            .filter((one) => one.label === label)
            .map(({ id }) => drawn.filter((one) => one.id === id).length)
          if (times.length > 0) assert.isAtMost(Math.max(...times) - Math.min(...times), 1)
        })
        if (power === 1) assert.isTrue(drawn.every(({ repeat }) => repeat === undefined))
      })
  )

  it("balanced, over the epochs brings every sample of a class equally often, and all classes to all places", () => {
    const samples = samplesOf([40, 8, 4])
    const epochs = 3000
    const times = new Map(samples.map(({ id }) => [id, 0]))
    let firsts = 0
    for (let epoch = 0; epoch < epochs; epoch++) {
      const drawn = drawnSamples(samples, epochOrder(samples, "balanced", 5, epoch))
      for (const { id } of drawn) times.set(id, (times.get(id) ?? 0) + 1)
      if (drawn[0]?.label === 2) firsts++
    }
    const quotas = classQuotas([40, 8, 4], 0)
    for (const { id, label } of samples) {
      const expected = (epochs * elementAt(quotas, label)) / elementAt([40, 8, 4], label)
      assert.approximately(times.get(id) ?? 0, expected, 0.1 * expected)
    }
    assert.approximately(firsts / epochs, elementAt(quotas, 2) / 52, 0.03)
  })

  it("differs from epoch to epoch and from seed to seed", () => {
    const samples = samplesOf(tail)
    const orders = [
      epochOrder(samples, "balanced", 1, 0),
      epochOrder(samples, "balanced", 1, 1),
      epochOrder(samples, "balanced", 2, 0)
    ]
    assert.strictEqual(new Set(orders.map(String)).size, 3)
  })

  it("is the shuffle of all samples where nothing else is configured", () => {
    const samples = samplesOf(tail)
    for (const sampling of [undefined, "shuffle"] as const)
      assert.deepStrictEqual(epochOrder(samples, sampling, 3, 4), order(samples.length, 3, 4))
    const drawn = drawnSamples(samples, order(samples.length, 3, 4))
    // The very samples: nothing is added to them.
    assert.isTrue(drawn.every((sample) => samples.includes(sample)))
  })

  it("numbers a sample that comes again", () => {
    const drawn = drawnSamples([{ id: "a" }, { id: "b" }], Uint32Array.of(1, 0, 1, 1))
    assert.deepStrictEqual(drawn, [{ id: "b" }, { id: "a" }, { id: "b", repeat: 1 }, { id: "b", repeat: 2 }])
  })

  it("is not configured beside class weights, which would count the sizes of the classes again", () => {
    const decode = Schema.decodeUnknownResult(TrainConfig)
    assert.isTrue(Result.isFailure(decode({ sampling: "balanced", classWeights: "balanced" })))
    assert.isTrue(Result.isSuccess(decode({ sampling: "shuffle", classWeights: "balanced" })))
    assert.isTrue(Result.isSuccess(decode({ sampling: { power: 0.5 } })))
    assert.isTrue(Result.isFailure(decode({ sampling: { power: 1.5 } })))
    assert.notProperty(Result.getOrThrow(decode({})), "sampling")
  })
})
