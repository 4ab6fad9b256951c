import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { clip, clipFactor, emptySlots, gradientNorm, slotKinds, update } from "../../src/model/optimizer.ts"
import type { Tensor } from "../../src/model/Tensor.ts"
import { sgd } from "./engineContract/reference.ts"

// That the updates are PyTorch's is shown by the engine's contract; here is what it does not reach.

const tensor = (...values: ReadonlyArray<number>): Tensor => ({
  shape: [values.length],
  data: Float32Array.from(values)
})

const gradients = () =>
  new Map([
    ["a", Float32Array.of(3, -4)],
    ["b", Float32Array.of(0, 12)]
  ])

const Values = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -1000, maximum: 1000 })))

describe("clip", () => {
  it("gives the norm that the gradients had, and leaves them alone where nothing is set", () => {
    const all = gradients()
    assert.strictEqual(clip(all, undefined, undefined), 13)
    assert.deepStrictEqual(all, gradients())
  })

  it("leaves gradients under the norm alone", () => {
    const all = gradients()
    assert.strictEqual(clip(all, 14, undefined), 13)
    assert.deepStrictEqual(all, gradients())
  })

  it("scales by PyTorch's factor, which is a little under the norm", () => {
    assert.strictEqual(clipFactor(13, 6.5), 6.5 / 13.000001)
    assert.strictEqual(clipFactor(0, 1), 1)
    assert.isNaN(clipFactor(Number.NaN, 1))
  })

  it("first scales, then cuts", () => {
    const all = gradients()
    assert.strictEqual(clip(all, 6.5, 1.75), 13)
    assert.deepStrictEqual(
      all,
      new Map([
        ["a", Float32Array.of(3 * clipFactor(13, 6.5), -1.75)],
        ["b", Float32Array.of(0, 1.75)]
      ])
    )
  })

  it.prop("keeps both bounds, and every sign", { a: Values, b: Values }, ({ a, b }) => {
    const all = new Map([
      ["a", Float32Array.from(a)],
      ["b", Float32Array.from(b)]
    ])
    clip(all, 5, 2)
    assert.isAtMost(gradientNorm(all), 5.0001)
    for (const [i, g] of a.entries()) {
      assert.isAtMost(Math.abs(all.get("a")![i]!), 2)
      assert.strictEqual(Math.sign(all.get("a")![i]!), Math.sign(g))
    }
  })
})

describe("slots", () => {
  const parameters = [
    { name: "a", shape: [2, 3], trainable: true, init: 0 },
    { name: "a.running_mean", shape: [3], trainable: false, init: 0 }
  ]

  it("are as the kind needs them, for what is trained", () => {
    assert.deepStrictEqual(slotKinds(sgd), [])
    assert.deepStrictEqual([...emptySlots({ ...sgd, momentum: 0.9 }, parameters).keys()], ["momentum.a"])
    const adam = emptySlots({ ...sgd, kind: "adamw" }, parameters)
    assert.deepStrictEqual([...adam.keys()], ["mean.a", "variance.a"])
    assert.deepStrictEqual(adam.get("mean.a"), { shape: [2, 3], data: new Float32Array(6) })
  })
})

describe("update", () => {
  it("does not dampen the first step, as PyTorch does not", () => {
    const config = { ...sgd, momentum: 0.5, dampening: 0.75 }
    const weights = new Map([["a", tensor(1)]])
    const slots = new Map([["momentum.a", tensor(0)]])
    update(config, weights, new Map([["a", Float32Array.of(2)]]), slots, () => ({ step: 0, learningRate: 0.25 }))
    assert.strictEqual(weights.get("a")!.data[0], 0.5) // 1 - 0.25 * 2
    update(config, weights, new Map([["a", Float32Array.of(2)]]), slots, () => ({ step: 1, learningRate: 0.25 }))
    assert.strictEqual(slots.get("momentum.a")!.data[0], 1.5) // 0.5 * 2 + 0.25 * 2
    assert.strictEqual(weights.get("a")!.data[0], 0.125)
  })

  it("changes only weights that have a gradient", () => {
    const weights = new Map([
      ["a", tensor(1)],
      ["b", tensor(1)]
    ])
    const config = { ...sgd, weightDecay: 0.5 }
    update(config, weights, new Map([["a", Float32Array.of(0)]]), new Map(), () => ({ step: 0, learningRate: 1 }))
    assert.deepStrictEqual([weights.get("a")!.data[0], weights.get("b")!.data[0]], [0.5, 1])
  })

  it("moves by the learning rate in adam's first step, whatever the gradient's size", () => {
    for (const g of [1e-3, -50]) {
      const weights = new Map([["a", tensor(1)]])
      const config = { ...sgd, kind: "adam" as const }
      const slots = emptySlots(config, [{ name: "a", shape: [1], trainable: true, init: 0 }])
      update(config, weights, new Map([["a", Float32Array.of(g)]]), slots, () => ({ step: 0, learningRate: 0.125 }))
      assert.approximately(weights.get("a")!.data[0]!, 1 - 0.125 * Math.sign(g), 1e-5)
    }
  })
})
