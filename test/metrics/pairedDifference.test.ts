import { assert, describe, it } from "@effect/vitest"
import { pairedDifference } from "../../src/metrics/pairedDifference.ts"

/** Of 100 samples the second alone has 15 right, the first alone 5; both have 60. */
const first = Array.from({ length: 100 }, (_, i) => i < 65)
const second = Array.from({ length: 100 }, (_, i) => i < 60 || (i >= 65 && i < 80))

describe("pairedDifference", () => {
  it("counts where one alone is right, and has the standard error of paired proportions", () => {
    const found = pairedDifference(first, second)!
    assert.deepStrictEqual([found.gained, found.lost, found.difference], [15, 5, 0.1])
    // sqrt(20 - 1) / 100 = 0.0435890, by hand.
    assert.approximately(found.interval.low, 0.1 - 1.959964 * 0.043589, 1e-6)
    assert.approximately(found.interval.high, 0.1 + 1.959964 * 0.043589, 1e-6)
    assert.approximately(pairedDifference(second, first)!.difference, -0.1, 1e-12)
  })

  it("is surely nothing between a model and itself, and not there without samples in common", () => {
    assert.deepStrictEqual(pairedDifference(first, first)?.interval, { low: 0, high: 0 })
    assert.isNull(pairedDifference([], []))
    assert.isNull(pairedDifference(first, [true]))
  })
})
