import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { newSearch, readSearch, writeSearch } from "../../../src/run/search/searchFile.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { fashionHalfway, fashionSearch } from "../../fashionSearch.ts"

describe("search.json", () => {
  it.effect("has a search as it stands, and gives it back", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      yield* writeSearch(search)
      assert.deepStrictEqual(yield* readSearch, search)
    }).pipe(Effect.provide(RunFolder.layerMemory))
  )

  it.effect("begins with every trial waiting, and with the rungs of a halving", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionSearch
      assert.isTrue(search.trials.every(({ history, state }) => state === "waiting" && history.length === 0))
      assert.strictEqual(search.trials[1]?.folder, "trials/002-mobilenet-v2-0.1-sgd-batchnorm")
      assert.deepStrictEqual(search.rungs, [{ epochs: 3, trials: 24, keep: 24 }])
      const strategy = { kind: "halving", factor: 3, minEpochs: 1 } as const
      assert.deepStrictEqual(newSearch({ ...search.config, strategy }, points).rungs, [
        { epochs: 1, trials: 24, keep: 8 },
        { epochs: 3, trials: 8, keep: 8 }
      ])
    })
  )

  it.effect("of another kind is refused with its name", () =>
    Effect.gen(function* () {
      const folder = yield* RunFolder
      yield* folder.write("search.json", JSON.stringify({ format: "weft-search-9" }))
      const error = yield* Effect.flip(readSearch)
      assert.strictEqual(error.reason, "invalid")
      assert.match(error.message, /search\.json: this is not a search's file of this version of Weft/)
    }).pipe(Effect.provide(RunFolder.layerMemory))
  )
})
