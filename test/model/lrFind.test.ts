import { assert, describe, it } from "@effect/vitest"
import type { SweepStep } from "../../src/model/lrFind.ts"
import { addStep, hasDiverged, suggestions, sweepRate } from "../../src/model/lrFind.ts"

const sweep = { from: 1e-7, to: 10, steps: 100 }

/** A loss that rests, falls with a wobble, and blows up. */
const lossAt = (i: number) =>
  2.5 +
  0.3 * Math.sin(i * 1.7) * (1 - i / 140) -
  1.9 / (1 + Math.exp(-(i - 58) / 5)) +
  (i < 80 ? 0 : 0.02 * (i - 80) ** 2.5)

const swept = (losses: ReadonlyArray<number>) =>
  losses.reduce<ReadonlyArray<SweepStep>>((steps, loss, i) => addStep(steps, sweepRate(sweep, i), loss), [])
const curve = swept(Array.from({ length: 100 }, (_, i) => lossAt(i)))

describe("the learning rate finder", () => {
  it("multiplies the rate by the same factor at each step, from the first bound to the last", () => {
    const rates = Array.from({ length: 100 }, (_, i) => sweepRate(sweep, i))
    assert.approximately(rates[0]!, 1e-7, 1e-20)
    assert.approximately(rates[99]!, 10, 1e-12)
    for (let i = 1; i < 100; i++) assert.approximately(rates[i]! / rates[i - 1]!, 1e8 ** (1 / 99), 1e-9)
  })

  // The figures of a Python port of fastai 2.7's AvgSmoothLoss, valley and steep, on the same losses and rates.
  it("smooths the losses as fastai does", () => {
    const smoothed = curve.map(({ smoothedLoss }) => smoothedLoss)
    assert.approximately(smoothed[0]!, 2.499982584592939, 1e-12)
    assert.approximately(smoothed[50]!, 2.4493124127798422, 1e-12)
    assert.approximately(smoothed[99]!, 5.269362601671306, 1e-12)
  })

  it("suggests the rates that fastai does", () => {
    const { steepest, valley } = suggestions(curve, 100)
    assert.approximately(valley ?? 0, 0.0033516026509388406, 1e-12)
    assert.approximately(steepest ?? 0, 0.031257158496882355, 1e-12)
  })

  it("suggests something of a sweep that ended after a few steps, and nothing of none", () => {
    assert.deepStrictEqual(suggestions([], 100), { valley: null, steepest: null })
    const few = suggestions(swept([3, 2, 9]), 100)
    assert.strictEqual(few.valley, sweepRate(sweep, 0))
    assert.strictEqual(few.steepest, sweepRate(sweep, 0))
  })

  it("ends where the smoothed loss is above four times the smallest, and not at it", () => {
    assert.isFalse(hasDiverged(swept([1])))
    // Smoothed: 1, then (0.98 * 0.02 + 0.02 x) / (1 - 0.98 ** 2).
    const at = (smoothed: number) => (smoothed * (1 - 0.98 ** 2) - 0.98 * 0.02) / 0.02
    assert.isFalse(hasDiverged(swept([1, at(3.999)])))
    assert.isTrue(hasDiverged(swept([1, at(4.001)])))
  })
})
