import { assert, describe, it } from "@effect/vitest"
import { parse } from "csv-parse/sync"
import { Effect } from "effect"
import { searchJson, searchText, trialsCsv } from "../../src/cli/searchTable.ts"
import { textCell } from "../../src/run/textCell.ts"
import { withTrial } from "../../src/run/search/SearchResult.ts"
import { epochRecord, fashionHalfway } from "../fashionSearch.ts"

const detail = 'The loss became "NaN",\nat step 3'

describe("the end of a search", () => {
  it.effect("is the best trials in the reference experiment's columns, then what failed and what was spared", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionHalfway
      const duplicates = [{ settings: { "train.learningRate": 0.1 }, sameAs: points.trials[0]!.id }]
      assert.deepStrictEqual(searchText({ ...search, duplicates }, "runs/x").split("\n"), [
        "",
        "The best 3 of 24 trials by validationLoss, the least first",
        "trial  network  learningRate  optimizer.kind  head       val loss  train loss  val acc  train acc",
        "  015  vgg16             0.1  adam            fc           0.1889      0.2125   0.9292     0.8583",
        "  014  vgg16             0.1  sgd             batchnorm    0.2111      0.2375   0.9208     0.8417",
        "  013  vgg16             0.1  sgd             fc           0.2333      0.2625   0.9125     0.8250",
        "",
        "Failed or diverged",
        "006-mobilenet-v2-0.01-sgd-batchnorm: The loss became NaN at step 3 of epoch 2",
        "",
        "Trained once, as the configuration is the same",
        "train.learningRate = 0.1: see 001-mobilenet-v2-0.1-sgd-fc",
        "",
        "3 of 24 trials finished, in 5 min 20 s; 3400 images decoded and passed on instead of 34000: 90.0 % saved",
        "The best, 015-vgg16-0.1-adam-fc, as a configuration: runs/x/best.toml; its run: runs/x/trials/015-vgg16-0.1-adam-fc"
      ])
    })
  )

  it.effect("names an objective of its own, and says the epochs where some were stopped", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const objective = { metric: "test.weighted.f1", goal: "max" } as const
      const rungs = [...search.rungs, ...search.rungs]
      const text = searchText({ ...search, rungs, config: { ...search.config, objective } }, "runs/x")
      assert.match(text, /by test\.weighted\.f1, the greatest first\n.* test\.weighted\.f1 {2}val loss .* epochs\n/)
      assert.match(text, /013 .* 0\.2333 +0\.2333 .* 3\n/)
    })
  )

  it.effect("is ten trials at most, and a sentence where there is none", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionHalfway
      const finished = points.trials.reduce(
        (so, { id }, i) =>
          withTrial(so, id, { state: "finished", metric: (i * 7) % 24, history: [epochRecord(1, i)], chosenEpoch: 1 }),
        search
      )
      assert.match(searchText(finished, "runs/x"), /The best 10 of 24 trials/)
      assert.strictEqual(searchText(finished, "runs/x").match(/^ +\d{3} /gm)?.length, 10)
      assert.deepStrictEqual(
        searchJson(finished).best.map((id) => Number(id.slice(0, 3))),
        [1, 8, 15, 22, 5, 12, 19, 2, 9, 16]
      )
      assert.match(searchText({ ...search, trials: search.trials.slice(0, 5) }, "runs/x"), /^No trial was finished\.\n/)
    })
  )

  it.effect("is all trials as CSV that another reader takes apart into the same cells", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionHalfway
      const csv = yield* trialsCsv(withTrial(search, points.trials[5]!.id, { detail }))
      assert.match(csv, /^trial,state,rung,.*\r\n/)
      const rows = parse(csv, { columns: true, record_delimiter: "\r\n" }) as ReadonlyArray<Record<string, string>>
      assert.strictEqual(rows.length, 24)
      assert.deepStrictEqual(
        rows.map((row) => row["trial"]),
        points.trials.map(({ id }) => id)
      )
      assert.deepStrictEqual(
        { ...rows[5], objective: undefined },
        {
          trial: "006-mobilenet-v2-0.01-sgd-batchnorm",
          state: "diverged",
          rung: "0",
          epochs: "1",
          chosenEpoch: "1",
          network: JSON.stringify(points.trials[5]!.settings["network"]),
          "train.learningRate": "0.01",
          "train.optimizer.kind": "sgd",
          "network.head": "batchnorm",
          objective: undefined,
          validationLoss: "8",
          trainLoss: "6",
          validationAccuracy: "0",
          trainAccuracy: "-1",
          seconds: "10",
          folder: "trials/006-mobilenet-v2-0.01-sgd-batchnorm",
          detail
        }
      )
      assert.strictEqual(rows[20]!["validationLoss"], "")
    })
  )

  it.effect("is one document of JSON, with every trial", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const json = JSON.parse(JSON.stringify(searchJson(search)))
      assert.strictEqual(json.winner, "015-vgg16-0.1-adam-fc")
      assert.strictEqual(json.trials.length, 24)
      assert.deepStrictEqual(json.trials[14].settings["network"].name, "vgg16")
      assert.closeTo(json.trials[14].validationLoss, 0.1889, 1e-4)
      assert.isNull(json.trials[20].objective)
    })
  )

  it.effect("is no formula for a spreadsheet, while numbers stay numbers", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionHalfway
      const csv = yield* trialsCsv(withTrial(search, points.trials[5]!.id, { detail: '=HYPERLINK("x")' }))
      const rows = parse(csv, { columns: true, record_delimiter: "\r\n" }) as ReadonlyArray<Record<string, string>>
      assert.strictEqual(rows[5]!["detail"], '\'=HYPERLINK("x")')
      assert.strictEqual(rows[5]!["trainAccuracy"], "-1")
    })
  )
})

describe("a text in a CSV", () => {
  it("has an apostrophe before it where a spreadsheet would take it for a formula", () => {
    for (const text of ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "-"])
      assert.strictEqual(textCell(text), `'${text}`)
    for (const text of ["", "shirt", "a=b", "-1", "+1.5e-7", "-.5", "1e3", "'=1", "日本"])
      assert.strictEqual(textCell(text), text)
  })

  it("has no control character but tabs and line breaks, and marks of direction as they are", () => {
    assert.strictEqual(
      textCell("\u001b[2Ja\tb\r\nc\u0000\u007f\u009b1m\u202e"),
      "\\u001b[2Ja\tb\r\nc\\u0000\\u007f\\u009b1m\u202e"
    )
  })
})
