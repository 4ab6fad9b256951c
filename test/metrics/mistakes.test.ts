import { assert, describe, it } from "@effect/vitest"
import { coverageCurve } from "../../src/metrics/coverage.ts"
import { answers, topLosses } from "../../src/metrics/mistakes.ts"

/** Probabilities 0.8, 0.6, 0.6, 0.9 of the first of two classes, as logits. */
const logits = Float32Array.from([0.8, 0.6, 0.6, 0.9].flatMap((p) => [Math.log(p), Math.log(1 - p)]))
const found = { classes: 2, logits, labels: Int32Array.of(0, 1, 0, 1) }

describe("answers", () => {
  it("say of every sample what was predicted, how probable it and the truth were, and the loss", () => {
    const all = answers(found)
    assert.deepStrictEqual(
      all.map(({ label, predicted, sample }) => [sample, label, predicted]),
      [
        [0, 0, 0],
        [1, 1, 0],
        [2, 0, 0],
        [3, 1, 0]
      ]
    )
    assert.approximately(all[3]!.probability, 0.9, 1e-6)
    assert.approximately(all[3]!.labelProbability, 0.1, 1e-6)
    assert.approximately(all[3]!.loss, -Math.log(0.1), 1e-6)
  })

  it("are ranked by loss, and what is no number is not hidden", () => {
    assert.deepStrictEqual(
      topLosses(answers(found), 3).map(({ sample }) => sample),
      [3, 1, 2]
    )
    const broken = answers({ classes: 2, logits: Float32Array.of(0, 1, Number.NaN, 0), labels: Int32Array.of(0, 0) })
    assert.strictEqual(topLosses(broken, 1)[0]!.sample, 1)
  })
})

describe("coverageCurve", () => {
  it("answers the surest first, and samples with one confidence together", () => {
    const curve = coverageCurve(found, 100)
    assert.deepStrictEqual(
      curve.map(({ accuracy, coverage }) => [coverage, accuracy]),
      [
        [0.25, 0],
        [0.5, 0.5],
        [1, 0.5]
      ]
    )
    assert.approximately(curve[2]!.threshold, 0.6, 1e-6)
  })

  it("keeps the first and the last point of many", () => {
    const many = {
      classes: 2,
      logits: Float32Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? i / 100 : 0)),
      labels: new Int32Array(1000)
    }
    const curve = coverageCurve(many, 50)
    assert.strictEqual(curve.length, 50)
    assert.approximately(curve[0]!.coverage, 0.001, 1e-3)
    assert.strictEqual(curve[49]!.coverage, 1)
  })
})
