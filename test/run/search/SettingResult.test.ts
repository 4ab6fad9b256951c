import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeConfig } from "../../../src/config/RunConfig.ts"
import { searchPoints } from "../../../src/run/search/points.ts"
import { SearchConfig } from "../../../src/run/search/SearchConfig.ts"
import { newSearch } from "../../../src/run/search/searchFile.ts"
import { withTrial } from "../../../src/run/search/SearchResult.ts"
import {
  differenceToBest,
  bestSetting,
  rankedSettings,
  ranking,
  repetitionText,
  settingResults
} from "../../../src/run/search/SettingResult.ts"
import { fashionHalfway, fashionSearch } from "../../fashionSearch.ts"

const ids = (trials: ReadonlyArray<{ readonly id: string }>) => trials.map(({ id }) => id.slice(0, 3))

describe("the settings of a search, each one trial", () => {
  it.effect("ranks finished trials by the objective, and no running, waiting or diverged one", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      assert.deepStrictEqual(ids(ranking(search)), ["015", "014", "013"])
      assert.strictEqual(bestSetting(search)?.id, "015-vgg16-0.1-adam-fc")
    })
  )

  it.effect("ranks stopped trials behind all finished ones, those that came further first", () =>
    Effect.gen(function* () {
      const { after, points, search } = yield* fashionSearch
      const states = [
        after(1, 0.1, "stopped"),
        after(3, 0.9, "finished"),
        after(2, 0.3, "stopped"),
        after(3, 0.8, "finished"),
        after(2, 0.2, "stopped"),
        after(3, 0.01, "diverged")
      ]
      const stood = states.reduce((so, change, i) => withTrial(so, points.trials[i]!.id, change), search)
      assert.deepStrictEqual(ids(ranking(stood)), ["004", "002", "005", "003", "001"])
    })
  )

  it.effect("has no winner where no finished trial has an objective", () =>
    Effect.gen(function* () {
      const { after, search } = yield* fashionSearch
      const [first, second] = search.trials
      const stopped = withTrial(search, first!.id, after(2, 0.3, "stopped"))
      assert.isUndefined(bestSetting(stopped))
      assert.isUndefined(bestSetting(withTrial(stopped, second!.id, { ...after(3, 0.3, "finished"), metric: null })))
    })
  )
})

describe("the settings of a search, each trained several times", () => {
  /** A search of three rates on four folds, whose trials have ended with these objectives. */
  const ended = Effect.fnUntraced(function* (values: ReadonlyArray<ReadonlyArray<number | "diverged" | "stopped">>) {
    const config = yield* decodeConfig(
      SearchConfig,
      {
        base: { data: { sample: {} } },
        axes: [{ path: "train.learningRate", values: [0.1, 0.01, 0.001] }],
        folds: 4
      },
      "s.toml"
    )
    const search = newSearch(config, yield* searchPoints(config, "s.toml"))
    return values.flat().reduce<typeof search>((so, value, i) => {
      const change =
        typeof value === "number"
          ? { state: "finished" as const, metric: value }
          : { state: value, metric: value === "stopped" ? 0.1 : null }
      return withTrial(so, search.trials[i]!.id, change)
    }, search)
  })

  it.effect("are ranked by the mean, which a single good fold does not decide", () =>
    Effect.gen(function* () {
      const search = yield* ended([
        [0.1, 0.9, 0.8, 0.9],
        [0.4, 0.5, 0.3, 0.6],
        [0.5, 0.6, 0.7, 0.8]
      ])
      assert.deepStrictEqual(ids(rankedSettings(search)), ["002", "003", "001"])
      const best = bestSetting(search)
      assert.strictEqual(best?.id, "002-0.01")
      assert.approximately(best?.metric ?? 0, 0.45, 1e-12)
      assert.approximately(best?.spread?.deviation ?? 0, 0.1290994, 1e-7)
      assert.deepStrictEqual(
        ranking(search)
          .slice(0, 4)
          .map(({ id }) => id),
        ["002f1-0.01", "002f2-0.01", "002f3-0.01", "002f4-0.01"]
      )
      assert.strictEqual(repetitionText(search.config), "4 folds")
    })
  )

  it.effect("are compared fold by fold: a constant difference has no spread, however much the folds differ", () =>
    Effect.gen(function* () {
      const search = yield* ended([
        [0.2, 0.9, 0.5, 0.4],
        [0.1, 0.8, 0.4, 0.3],
        [0.3, 0.7, 0.6, 0.9]
      ])
      const [first, second, third] = settingResults(search)
      const behind = differenceToBest(search, first!)
      assert.approximately(behind?.mean ?? 0, 0.1, 1e-12)
      assert.approximately(behind?.deviation ?? 1, 0, 1e-12)
      assert.isNull(differenceToBest(search, second!))
      assert.isAbove(differenceToBest(search, third!)?.deviation ?? 0, 0.1)
    })
  )

  it.effect("have no mean and no place where a fold diverged, and stand behind finished ones where they stopped", () =>
    Effect.gen(function* () {
      const search = yield* ended([
        [0.1, 0.1, 0.1, "diverged"],
        [0.9, 0.9, 0.9, 0.9],
        ["stopped", "stopped", "stopped", "stopped"]
      ])
      assert.deepStrictEqual(ids(rankedSettings(search)), ["002", "003"])
      const [first] = settingResults(search)
      assert.strictEqual(first?.state, "diverged")
      assert.isNull(first?.metric)
      assert.isNull(first?.spread)
    })
  )
})
