import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { liveTrials, trialsLine } from "../../../src/layers/terminal/liveTrials.ts"
import { lineOf } from "../../../src/layers/terminal/TerminalProgress.ts"
import { fashionHalfway, fashionSearch } from "../../fashionSearch.ts"

describe("the live table of a search", () => {
  it.effect("has a headline, the best so far, and each trial with its settings, epochs and losses", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const lines = liveTrials(search, { columns: 120, rows: 40 })
      assert.strictEqual(lines.length, 27)
      assert.deepStrictEqual(
        [0, 1, 2, 3, 8, 17, 26].map((i) => lines[i]),
        [
          "4 of 24 trials done  6 min 20 s left  90.0 % passes saved  1 failed  11 running  32/70 epochs  fashion-search",
          "best so far: validationLoss 0.1889, 015-vgg16-0.1-adam-fc",
          "   trial network      learningRate optimizer.kind head      epoch val loss train loss",
          "▸  001   mobilenet-v2 0.1          sgd            fc          2/3   0.9000     0.9000",
          "✗  006   mobilenet-v2 0.01         sgd            batchnorm   1/3   8.0000     6.0000",
          "✓* 015   vgg16        0.1          adam           fc          3/3   0.1889     0.2125",
          "·  024   vgg16        0.001        adam           batchnorm   0/3"
        ]
      )
    })
  )

  it.effect(
    "has the settings in the trial's name where they have no room of their own, and cuts names in the middle",
    () =>
      Effect.gen(function* () {
        const { search } = yield* fashionHalfway
        const at60 = liveTrials(search, { columns: 59, rows: 40 })
        assert.strictEqual(at60[0], "4 of 24 trials done  6 min 20 s left  90.0 % passes saved")
        assert.strictEqual(at60[4], "▸  002-mobilenet-v2-0.1-sgd-batchnorm      2/3   0.8500")
        const at40 = liveTrials(search, { columns: 40, rows: 40 })
        assert.strictEqual(at40[0], "4 of 24 trials done  6 min 20 s left")
        assert.strictEqual(at40[4], "▸  002-mobilen…-batchnorm   2/3   0.8500")
      })
  )

  it.effect("shows running trials and the best where not all have room, and how many the others are", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const lines = liveTrials(search, { columns: 120, rows: 12 })
      assert.strictEqual(lines.length, 12)
      assert.deepStrictEqual(
        lines.slice(3, 11).map((line) => line.slice(0, 6)),
        ["▸  001", "▸  002", "▸  003", "▸  004", "▸  005", "▸  007", "✓  014", "✓* 015"]
      )
      assert.strictEqual(lines[11], "   and 16 more: 5 running, 9 waiting, 1 finished, 1 diverged")
      assert.strictEqual(liveTrials(search, { columns: 120, rows: 6 }).length, 2)
    })
  )

  it.effect("says the epochs up to the next rung of a halving", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const rungs = [
        { epochs: 2, trials: 24, keep: 8 },
        { epochs: 3, trials: 8, keep: 8 }
      ]
      const lines = liveTrials({ ...search, rungs }, { columns: 120, rows: 40 })
      assert.match(lines[3]!, / 2\/2 /)
    })
  )

  it.effect("never has more lines or longer ones than the terminal", () =>
    Effect.gen(function* () {
      for (const { search } of [yield* fashionHalfway, yield* fashionSearch])
        for (let rows = 1; rows <= 30; rows++)
          for (let columns = 30; columns <= 130; columns += 5) {
            const lines = liveTrials(search, { columns, rows })
            assert.isAtMost(lines.length, rows)
            for (const line of lines) assert.isAtMost(line.length, columns)
          }
    })
  )

  it.effect("is one line where lines cannot be drawn over", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const line =
        "4 of 24 trials done; 6 min 20 s left; 90.0 % passes saved; 1 failed; 11 running; 32/70 epochs; best so far: validationLoss 0.1889, 015-vgg16-0.1-adam-fc"
      assert.strictEqual(trialsLine(search), line)
      assert.deepStrictEqual(lineOf({ _tag: "Trials", search }, 9), { text: line, lasting: false })
    })
  )
})
