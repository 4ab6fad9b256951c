import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { RungResult } from "../../../src/run/search/halving.ts"
import { promote, repeatedRungs, rungs } from "../../../src/run/search/halving.ts"
import { intBetween } from "../../../src/config/Setting.ts"

const table = (trials: number, factor: number, minEpochs: number, epochs: number) =>
  rungs(trials, { factor, minEpochs, epochs }).map((rung) => [rung.epochs, rung.trials, rung.keep])

describe("rungs", () => {
  it("are those that one counts by hand", () => {
    // Hyperband's own example: its most exploratory bracket with R = 27 and a factor of 3.
    assert.deepStrictEqual(table(27, 3, 1, 27), [
      [1, 27, 9],
      [3, 9, 3],
      [9, 3, 1],
      [27, 1, 1]
    ])
    assert.deepStrictEqual(table(24, 3, 1, 3), [
      [1, 24, 8],
      [3, 8, 8]
    ])
    assert.deepStrictEqual(table(10, 2, 2, 9), [
      [2, 10, 5],
      [4, 5, 2],
      [8, 2, 1],
      [9, 1, 1]
    ])
  })

  it("leave out those in which nothing is decided", () => {
    assert.deepStrictEqual(table(4, 3, 1, 81), [
      [1, 4, 1],
      [81, 1, 1]
    ])
    assert.deepStrictEqual(table(1, 3, 1, 9), [[9, 1, 1]])
    assert.deepStrictEqual(table(2, 5, 1, 4), [
      [1, 2, 1],
      [4, 1, 1]
    ])
    assert.deepStrictEqual(table(6, 3, 5, 5), [[5, 6, 6]])
  })

  it.prop(
    "always end at all epochs, with more epochs and fewer trials from each to the next",
    {
      trials: intBetween(1, 500),
      factor: intBetween(2, 9),
      minEpochs: intBetween(1, 20),
      epochs: intBetween(1, 300)
    },
    ({ epochs, factor, minEpochs, trials }) => {
      const found = rungs(trials, { epochs, factor, minEpochs })
      assert.strictEqual(found[0]!.trials, trials)
      assert.strictEqual(found.at(-1)!.epochs, epochs)
      for (const [i, rung] of found.slice(1).entries()) {
        assert.isAbove(rung.epochs, found[i]!.epochs)
        assert.isBelow(rung.trials, found[i]!.trials)
        assert.strictEqual(rung.trials, found[i]!.keep)
      }
    }
  )
})

const results: ReadonlyArray<RungResult> = [
  { id: "a", state: "paused", metric: 0.5 },
  { id: "b", state: "failed", metric: 0.1 },
  { id: "c", state: "paused", metric: null },
  { id: "d", state: "paused", metric: 0.3 },
  { id: "e", state: "diverged", metric: 0.01 },
  { id: "f", state: "finished", metric: 0.3 },
  { id: "g", state: "paused", metric: Number.NaN },
  { id: "h", state: "paused", metric: 0.9 }
]

it("rungs of repeated settings stop settings, with all their trials", () => {
  assert.deepStrictEqual(
    repeatedRungs(9 * 5, 5, { factor: 3, minEpochs: 1, epochs: 9 }).map((rung) => [
      rung.epochs,
      rung.trials,
      rung.keep
    ]),
    [
      [1, 45, 15],
      [3, 15, 5],
      [9, 5, 5]
    ]
  )
})

describe("promote", () => {
  it("takes the best, ties by the order of trials, and never one that failed or diverged", () => {
    assert.deepStrictEqual(promote(results, 1, { goal: "min" }), ["d"])
    assert.deepStrictEqual(promote(results, 2, { goal: "min" }), ["d", "f"])
    assert.deepStrictEqual(promote(results, 3, { goal: "max" }), ["a", "d", "h"])
  })

  it("takes those without an objective last, whatever the goal, and no more than are alive", () => {
    for (const goal of ["min", "max"] as const) {
      assert.deepStrictEqual(promote(results, 5, { goal }), ["a", "c", "d", "f", "h"])
      assert.deepStrictEqual(promote(results, 8, { goal }), ["a", "c", "d", "f", "g", "h"])
    }
    assert.deepStrictEqual(promote([], 3, { goal: "min" }), [])
  })

  it("takes the repetitions of a setting together, by their mean, and none of a setting of which one failed", () => {
    const trials: ReadonlyArray<RungResult> = (
      [
        ["a", 0.1],
        ["b", 0.4],
        ["c", 0.2],
        ["a", 0.9],
        ["b", 0.4],
        ["c", null]
      ] as const
    ).map(([setting, metric], i) => ({
      id: `${setting}${i}`,
      setting,
      metric,
      state: metric === null ? "diverged" : "paused"
    }))
    assert.deepStrictEqual(promote(trials, 2, { goal: "min" }), ["b1", "b4"])
    assert.deepStrictEqual(promote(trials, 2, { goal: "max" }), ["a0", "a3"])
    assert.deepStrictEqual(promote(trials, 6, { goal: "min" }), ["a0", "b1", "a3", "b4"])
  })

  it.prop(
    "never stops a trial that is better than one that goes on",
    { figures: Schema.Array(intBetween(-3, 3)), keep: intBetween(1, 6) },
    ({ figures, keep }) => {
      const trials = figures.map((metric, i): RungResult => ({ id: String(i), state: "paused", metric }))
      for (const goal of ["min", "max"] as const) {
        const ids = new Set(promote(trials, keep, { goal }))
        assert.strictEqual(ids.size, Math.min(keep, trials.length))
        const sign = goal === "min" ? 1 : -1
        const on = trials.filter(({ id }) => ids.has(id)).map(({ metric }) => sign * (metric ?? 0))
        const off = trials.filter(({ id }) => !ids.has(id)).map(({ metric }) => sign * (metric ?? 0))
        assert.isTrue(on.every((a) => off.every((b) => a <= b)))
      }
    }
  )
})
