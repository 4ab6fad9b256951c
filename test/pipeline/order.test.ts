import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { order } from "../../src/pipeline/order.ts"

describe("order", () => {
  it.effect.prop(
    "is a permutation",
    {
      n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })),
      seed: Schema.Int,
      epoch: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))
    },
    ({ epoch, n, seed }) =>
      Effect.sync(() => {
        const indexes = order(n, seed, epoch)
        assert.deepStrictEqual(
          [...indexes].sort((a, b) => a - b),
          [...Array(n).keys()]
        )
        assert.deepStrictEqual(order(n, seed, epoch), indexes)
      })
  )

  it("differs from epoch to epoch and from seed to seed", () => {
    const orders = [order(100, 1, 0), order(100, 1, 1), order(100, 1, 2), order(100, 2, 0), order(100, 2, 1)]
    assert.strictEqual(new Set(orders.map((indexes) => indexes.join())).size, orders.length)
  })

  it("brings every index to every place equally often", () => {
    const seen = Array.from({ length: 36 }, () => 0)
    for (let epoch = 0; epoch < 6000; epoch++)
      order(6, 5, epoch).forEach((index, place) => {
        seen[place * 6 + index]! += 1
      })
    for (const times of seen) assert.approximately(times, 1000, 150)
  })
})
