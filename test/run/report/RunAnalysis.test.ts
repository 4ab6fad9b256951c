import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { analyse, shownSamples } from "../../../src/run/report/RunAnalysis.ts"
import { readRun } from "../../../src/run/report/RunFacts.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { writeSyntheticRun } from "./syntheticRun.ts"

const labels = ["Boots", "Caps", "Coats", "Gloves", "Hats", "Rings", "Scarves"]
const run = { labels, largest: 90, epochs: 3, seed: 5 }
const folder = RunFolder.layerMemory

describe("analyse", () => {
  it.effect(
    "shows photos of the pairs that it names, and mistakes with their loss, all by the model's own probabilities",
    () =>
      Effect.gen(function* () {
        yield* writeSyntheticRun(run)
        const facts = yield* readRun()
        assert.deepStrictEqual(facts.gaps, [])
        const analysis = analyse(facts)
        const { intervals, losses, pairs, test } = analysis.test!
        for (const { mistaken, others, predictedLabel, trueLabel } of pairs) {
          assert.isNotEmpty(mistaken)
          for (const { labelName, predictedName } of mistaken)
            assert.deepStrictEqual([labelName, predictedName], [trueLabel, predictedLabel])
          for (const { labelName, predictedName } of others)
            assert.deepStrictEqual([labelName, predictedName], [predictedLabel, predictedLabel])
        }
        for (const { labelProbability, loss } of losses) assert.approximately(loss, -Math.log(labelProbability), 1e-6)
        assert.isTrue(losses.every(({ loss }, i) => i === 0 || loss <= losses[i - 1]!.loss))
        for (const [interval, score] of [
          [intervals.get("accuracy"), test.accuracy],
          [intervals.get("weighted.f1"), test.weighted.f1],
          [intervals.get("macro.f1"), test.macro.f1],
          [intervals.get("balancedAccuracy"), test.balancedAccuracy],
          [intervals.get("top5Accuracy"), test.top5Accuracy]
        ] as const) {
          assert.isBelow(interval?.low ?? Number.NaN, score ?? Number.NaN)
          assert.isAbove(interval?.high ?? Number.NaN, score ?? Number.NaN)
        }
        const files = shownSamples(analysis).map(({ file }) => file)
        assert.strictEqual(new Set(files).size, files.length)
      }).pipe(Effect.provide(folder))
  )

  it.effect("finds labels that were put on the wrong class, in both parts", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun({ ...run, gap: 7 })
      const { labelErrors: found } = analyse(yield* readRun())
      const labelErrors = [...found.photos, ...found.named]
      assert.strictEqual(found.total, labelErrors.length)
      // The id says the true class, the label what it was made to be.
      const wrong = labelErrors.filter(({ id, label }) => id.split("-")[0] !== String(label))
      assert.isAtLeast(wrong.length, 4)
      assert.isAtLeast(wrong.length / labelErrors.length, 0.9)
      assert.sameMembers([...new Set(wrong.map(({ part }) => part))], ["test", "validation"])
      for (const { id, suggestedName } of wrong) assert.strictEqual(suggestedName, labels[Number(id.split("-")[0])])
    }).pipe(Effect.provide(folder))
  )

  it.effect("has the effect of a temperature where none is configured", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun({ ...run, calibrated: false })
      const { calibration } = analyse(yield* readRun()).test!
      assert.isFalse(calibration!.applied)
      assert.isBelow(calibration!.metrics.eceAfter!, calibration!.metrics.eceBefore!)
    }).pipe(Effect.provide(folder))
  )
})
