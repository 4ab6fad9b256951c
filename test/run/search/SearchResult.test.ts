import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SearchResult } from "../../../src/run/search/SearchResult.ts"
import {
  countStates,
  isOver,
  savedShare,
  secondsLeft,
  trialEpochs,
  withTrial
} from "../../../src/run/search/SearchResult.ts"
import { fashionHalfway, fashionSearch } from "../../fashionSearch.ts"

describe("a search", () => {
  it.effect("counts states, passes and epochs, and reckons the time that is left from the pace so far", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      assert.deepStrictEqual(countStates(search), {
        waiting: 9,
        running: 11,
        finished: 3,
        failed: 0,
        diverged: 1,
        stopped: 0
      })
      assert.closeTo(savedShare(search) ?? 0, 0.9, 1e-12)
      // Done: 11 x 2, 1 of the diverged one, 3 x 3. Left: 11 x 1 and 9 x 3.
      assert.deepStrictEqual(trialEpochs(search), { done: 32, left: 38 })
      assert.closeTo(secondsLeft(search) ?? 0, (320 / 32) * 38, 1e-9)
      assert.isFalse(isOver(search))
    })
  )

  it.effect("knows neither share nor time before anything is done", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionSearch
      assert.isNull(savedShare(search))
      assert.isNull(secondsLeft(search))
      assert.deepStrictEqual(trialEpochs(search), { done: 0, left: 72 })
    })
  )

  it.effect("counts only the epochs that halving will train", () =>
    Effect.gen(function* () {
      const { after, search } = yield* fashionSearch
      const rungs = [
        { epochs: 1, trials: 24, keep: 8 },
        { epochs: 3, trials: 8, keep: 8 }
      ]
      const halving: SearchResult = { ...search, rungs }
      assert.deepStrictEqual(trialEpochs(halving), { done: 0, left: 24 + 8 * 2 })
      // After the first rung: sixteen are stopped, one of the others has another epoch behind it.
      const later = search.trials.reduce(
        (so, { id }, i) => withTrial(so, id, i < 16 ? after(1, 1, "stopped") : after(i === 16 ? 2 : 1, 0.5, "running")),
        halving
      )
      assert.deepStrictEqual(trialEpochs(later), { done: 25, left: 15 })
      // One of the eight fails: seven are left.
      assert.deepStrictEqual(trialEpochs(withTrial(later, search.trials[23]!.id, { state: "failed" })), {
        done: 25,
        left: 13
      })
    })
  )
})
