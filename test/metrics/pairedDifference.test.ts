import { assert, describe, it } from "@effect/vitest"
import { pairedDifference } from "../../src/metrics/pairedDifference.ts"
import { draw } from "../../src/pipeline/draw.ts"

/** Of 100 samples the second alone has 15 right, the first alone 5; both have 60. */
const first = Array.from({ length: 100 }, (_, i) => i < 65)
const second = Array.from({ length: 100 }, (_, i) => i < 60 || (i >= 65 && i < 80))

describe("pairedDifference", () => {
  it("counts where one alone is right, and has Bonett and Price's interval for paired proportions", () => {
    const found = pairedDifference(first, second)!
    assert.deepStrictEqual([found.gained, found.lost, found.difference], [15, 5, 0.1])
    // 10 / 102 ± 1.959964 sqrt((22 / 102 - (10 / 102)²) / 102), by hand.
    assert.approximately(found.interval.low, 0.0099424, 1e-6)
    assert.approximately(found.interval.high, 0.1861361, 1e-6)
    assert.approximately(pairedDifference(second, first)!.difference, -0.1, 1e-12)
  })

  it("is not known for sure where two models never differ, and not there without samples in common", () => {
    const { difference, interval } = pairedDifference(first, first)!
    assert.strictEqual(difference, 0)
    assert.approximately(interval.high, 0.0271746, 1e-6)
    assert.strictEqual(interval.low, -interval.high)
    assert.deepStrictEqual(pairedDifference([false], [true])?.interval.high, 1)
    assert.isNull(pairedDifference([], []))
    assert.isNull(pairedDifference(first, [true]))
  })

  it("holds the true difference in about 95 of 100 test parts, also of few samples that seldom differ", () => {
    for (const [samples, gain, loss] of [
      [20, 0.1, 0.05],
      [50, 0.02, 0.02],
      [300, 0.08, 0.03]
    ] as const) {
      const repeats = 500
      let held = 0
      for (let repeat = 0; repeat < repeats; repeat++) {
        const random = draw("pairs", samples, repeat)
        const kinds = Array.from({ length: samples }, () => random.next())
        const { difference, interval } = pairedDifference(
          kinds.map((kind) => kind < loss || kind > 0.5),
          kinds.map((kind) => (kind >= loss && kind < loss + gain) || kind > 0.5)
        )!
        assert.isTrue(interval.low <= difference && difference <= interval.high)
        if (interval.low <= gain - loss && gain - loss <= interval.high) held++
      }
      assert.isAtLeast(held / repeats, 0.93, `${samples} samples`)
    }
  })
})
