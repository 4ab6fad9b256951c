import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { configKeys } from "../../../src/config/configKeys.ts"
import { SearchConfig } from "../../../src/run/search/SearchConfig.ts"
import { decodeConfig } from "../../../src/config/RunConfig.ts"

const rates = { path: "train.learningRate", values: [0.1, 0.01] }
const minimal = { base: {}, axes: [rates] }
const problem = (raw: object) =>
  Effect.map(Effect.flip(decodeConfig(SearchConfig, { ...minimal, ...raw }, "s.toml")), ({ problems }) =>
    problems.join("\n")
  )

describe("SearchConfig", () => {
  it.effect("is by default a grid for the least validation loss", () =>
    Effect.gen(function* () {
      const { objective, seed, strategy } = yield* decodeConfig(SearchConfig, minimal, "s.toml")
      assert.deepStrictEqual(
        { objective, seed, strategy },
        { objective: { metric: "validationLoss", goal: "min" }, seed: 1, strategy: { kind: "grid" } }
      )
    })
  )

  it.effect("wants either values or a range whose ends are in order and above 0 where it is logarithmic", () =>
    Effect.gen(function* () {
      const axis = (rest: object) => problem({ axes: [{ path: "train.learningRate", ...rest }] })
      assert.match(yield* axis({}), /^`axes\.0`: Expected either `values` or a `range`$/)
      assert.match(yield* axis({ values: [1], range: { from: 1, to: 2, steps: 2 } }), /either `values` or a `range`/)
      assert.match(yield* axis({ values: [] }), /`axes\.0\.values/)
      assert.match(yield* axis({ range: { from: 2, to: 1, steps: 2 } }), /`axes\.0\.range`: Expected `from` below `to`/)
      assert.match(
        yield* axis({ range: { from: 0, to: 1, steps: 2, scale: "log" } }),
        /above 0 where the scale is `log`/
      )
      assert.match(yield* axis({ range: { from: 0.1, to: 1, step: 2 } }), /there is no key `axes\.0\.range\.step`/)
      assert.match(yield* problem({ axes: [{ path: "a.__proto__.b", values: [1] }] }), /Expected a key of a run/)
      assert.match(yield* problem({ axes: [] }), /`axes/)
    })
  )

  it.effect("wants steps in the ranges of a grid, also of one that halving begins with, and none in drawn ones", () =>
    Effect.gen(function* () {
      const axes = [{ path: "train.learningRate", range: { from: 0.001, to: 0.1 } }]
      const wanted =
        /^`axes`: Expected `steps` in the range of `train\.learningRate`: a grid needs the number of its values$/
      assert.match(yield* problem({ axes }), wanted)
      assert.match(yield* problem({ axes, strategy: { kind: "halving" } }), wanted)
      yield* decodeConfig(SearchConfig, { base: {}, axes, strategy: { kind: "halving", trials: 5 } }, "s.toml")
      const random = yield* decodeConfig(SearchConfig, { base: {}, axes, strategy: { kind: "random" } }, "s.toml")
      assert.deepStrictEqual(random.strategy, { kind: "random", trials: 20 })
    })
  )

  it.effect("names the strategies that there are where another is asked for", () =>
    Effect.gen(function* () {
      const wanted = /^`strategy`: Expected kind = "grid", "random" or "halving"$/
      assert.match(yield* problem({ strategy: { kind: "bayes" } }), wanted)
    })
  )

  it.effect("refuses a grid that nobody can mean, and axes that undo each other", () =>
    Effect.gen(function* () {
      const range = { from: 0, to: 1, steps: 101 }
      const axes = ["augment.flip", "augment.crop"].map((path) => ({ path, range }))
      assert.match(yield* problem({ axes }), /at most 10000 points, got 10201; draw some/)
      assert.match(yield* problem({ axes: [rates, rates] }), /one axis over `train\.learningRate`, not two/)
      const section = { path: "train", values: [{ epochs: 3 }] }
      assert.match(yield* problem({ axes: [rates, section] }), /the axis over `train` before the one over `train\.l/)
      yield* decodeConfig(SearchConfig, { base: {}, axes: [section, rates] }, "s.toml")
    })
  )

  it.effect(
    "refuses an unknown metric, a goal that makes no sense, and halving by a metric that only a report has",
    () =>
      Effect.gen(function* () {
        const of = (metric: string, goal?: string) => problem({ objective: { metric, ...(goal && { goal }) } })
        assert.match(
          yield* of("test.weigthed.f1", "max"),
          /`objective`: Expected a metric.*did you mean `test\.weighted\.f1`/
        )
        assert.match(
          yield* of("history"),
          /Expected a metric of an epoch or a number of a trial's report, got "history"/
        )
        assert.match(yield* of("test.weighted.f1"), /Expected `goal = "max"` for `test\.weighted\.f1`, got "min"/)
        assert.match(yield* of("validationLoss", "max"), /Expected `goal = "min"`/)
        const halving = { strategy: { kind: "halving" } }
        assert.match(
          yield* problem({ ...halving, objective: { metric: "test.accuracy", goal: "max" } }),
          /`objective\.metric`: Expected a metric that every epoch has, .*got "test\.accuracy"/
        )
        const objective = { metric: "validationAccuracy", goal: "max" }
        yield* decodeConfig(SearchConfig, { ...minimal, ...halving, objective }, "s.toml")
      })
  )

  it("describes every key", () => {
    const keys = configKeys(SearchConfig)
    assert.isAbove(keys.length, 6)
    assert.deepStrictEqual(
      keys.filter(({ description }) => description === ""),
      []
    )
  })
})
