import { assert, describe, it } from "@effect/vitest"
import { bootstrap, quantile, repeatsFor } from "../../src/metrics/bootstrap.ts"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { scores } from "../../src/metrics/scores.ts"
import { wilson } from "../../src/metrics/wilson.ts"

const f1Of = (confusion: Confusion.Confusion) => {
  const { macro, weighted } = scores(confusion)
  return { weightedF1: weighted.f1, macroF1: macro.f1 }
}

describe("wilson", () => {
  it("gives the bounds of SciPy's binomtest(...).proportion_ci(method='wilson')", () => {
    for (const [hits, samples, low, high] of [
      [0, 7, 0, 0.35433043506668743],
      [7, 7, 0.6456695649333126, 1],
      [3, 10, 0.10779126740630102, 0.6032218525388546],
      [3884, 4333, 0.8869481645559664, 0.9051029243796366]
    ] as const) {
      const found = wilson(hits, samples)
      assert.approximately(found?.low ?? Number.NaN, low, 1e-12, `${hits} of ${samples}`)
      assert.approximately(found?.high ?? Number.NaN, high, 1e-12, `${hits} of ${samples}`)
    }
  })

  it("is nothing where nothing was seen", () => {
    assert.isNull(wilson(0, 0))
  })
})

describe("bootstrap", () => {
  /** True 0, 0, 1, 2, predicted 0, 1, 1, 0: 256 equally likely draws of four, all of which Python has gone through. */
  const four = Confusion.add(Confusion.empty(3), [0, 0, 1, 2], [0, 1, 1, 0])

  it("comes to the quantiles of all draws that there are", () => {
    const middle = bootstrap(four, f1Of, { seed: 3, level: 0.8, repeats: 20_000 })
    assert.approximately(middle?.weightedF1.low ?? Number.NaN, 0.125, 1e-9)
    assert.approximately(middle?.weightedF1.high ?? Number.NaN, 0.7666666667, 0.02)
    const wide = bootstrap(four, f1Of, { seed: 3, repeats: 20_000 })
    assert.deepStrictEqual(wide?.weightedF1, { low: 0, high: 1 })
  })

  it("depends on the seed and on nothing else, and has an interval for each figure", () => {
    const once = bootstrap(four, f1Of, { seed: 1 })
    assert.deepStrictEqual(bootstrap(four, f1Of, { seed: 1 }), once)
    assert.sameMembers(Object.keys(once ?? {}), ["weightedF1", "macroF1"])
    const level = { level: 0.5, repeats: 101 }
    const values = [1, 2, 3].map((seed) => bootstrap(four, ({ counts }) => ({ top: counts[0]! }), { seed, ...level }))
    assert.isTrue(values.every((value) => value !== null && value.top.low <= value.top.high))
  })

  it("narrows around the figure as samples are added", () => {
    const counts = (factor: number) =>
      Confusion.fromRows([
        [70 * factor, 10 * factor],
        [5 * factor, 15 * factor]
      ])
    const width = (factor: number) => {
      const { high, low } = bootstrap(counts(factor), f1Of, { seed: 5 })!.weightedF1
      const { weightedF1 } = f1Of(counts(factor))
      assert.isBelow(low, weightedF1)
      assert.isAbove(high, weightedF1)
      return high - low
    }
    // A hundred times the samples, a tenth of the width.
    assert.approximately(width(1) / width(100), 10, 1.5)
  })

  it("is nothing where nothing was counted", () => {
    assert.isNull(bootstrap(Confusion.empty(3), f1Of, { seed: 1 }))
  })

  it("takes numpy's quantiles, and fewer repeats of large parts", () => {
    assert.approximately(quantile([1, 2, 4, 8], 0.1), 1.3, 1e-12)
    assert.strictEqual(quantile([1, 2, 4, 8], 0.5), 3)
    assert.approximately(quantile([1, 2, 4, 8], 0.9), 6.8, 1e-12)
    assert.deepStrictEqual([repeatsFor(100), repeatsFor(40_000), repeatsFor(1_000_000)], [1000, 500, 200])
  })
})
