import { assert, describe, it } from "@effect/vitest"
import type { Predictions } from "../../src/metrics/calibration.ts"
import { labelErrors } from "../../src/metrics/labelErrors.ts"
import { draw } from "../../src/pipeline/draw.ts"

/** 31 samples of 3 classes; Python had the same numbers. */
const found: Predictions = {
  classes: 3,
  logits: Float32Array.from({ length: 31 * 3 }, (_, k) => {
    const i = Math.floor(k / 3)
    const j = k % 3
    return ((i * 37 + j * 61 + ((i * j) % 11) * 13) % 97) / 12 - 4
  }),
  labels: Int32Array.from("0201202020011022210121202200021"[Symbol.iterator](), Number)
}

/** [sample, label, suggested, self-confidence, margin] from the paper's definitions in numpy. */
const expected = [
  [0, 0, 1, 0.005870541, -0.941111461],
  [27, 0, 2, 0.007254921, -0.904173836],
  [15, 2, 1, 0.000925766, -0.789733069],
  [12, 1, 0, 0.125859678, -0.72976713],
  [9, 0, 2, 0.163005474, -0.631021278],
  [6, 2, 1, 0.410213273, -0.16228549]
] as const

describe("labelErrors", () => {
  it("lists what the paper's definition lists, in the order of the margins", () => {
    const errors = labelErrors(found)
    assert.deepStrictEqual(
      errors.map(({ label, sample, suggested }) => [sample, label, suggested]),
      expected.map(([sample, label, suggested]) => [sample, label, suggested])
    )
    for (const [k, [, , , selfConfidence, margin]] of expected.entries()) {
      assert.approximately(errors[k]?.selfConfidence ?? Number.NaN, selfConfidence, 1e-8)
      assert.approximately(errors[k]?.margin ?? Number.NaN, margin, 1e-8)
    }
  })

  it("finds planted errors among samples that are merely hard", () => {
    const classes = 4
    const samples = 400
    const random = draw("planted")
    const truth = Int32Array.from({ length: samples }, (_, i) => i % classes)
    const planted = new Set([7, 50, 123, 200, 301, 399])
    const labels = truth.map((label, i) => (planted.has(i) ? (label + 1 + (i % 3)) % classes : label))
    // One sample in ten is hard: nearly even between its own class and another, at times the other's by a hair.
    const logits = Float32Array.from({ length: samples * classes }, (_, k) => {
      const i = Math.floor(k / classes)
      const isHard = i % 10 === 5
      return (k % classes === truth[i] ? (isHard ? 0.4 : 6) : 0) + (isHard ? 0.3 : 0.4) * random.normal()
    })
    const listed = labelErrors({ classes, labels, logits }).map(({ sample }) => sample)
    assert.sameMembers(listed.slice(0, planted.size), [...planted])
    assert.isBelow(listed.length, planted.size + 4)
  })

  it("does not list what is predicted as it is labelled, though it reaches another class's lower threshold", () => {
    // Thresholds 0.77 and 0.4: the second sample is confidently of class 1, and yet predicted as class 0, its label.
    const logits = Float32Array.from([0.99, 0.55, 0.6].flatMap((p) => [Math.log(p), Math.log(1 - p)]))
    assert.deepStrictEqual(labelErrors({ classes: 2, logits, labels: Int32Array.of(0, 0, 1) }), [])
  })

  it("lists nothing where there is nothing, and never a class without samples", () => {
    assert.deepStrictEqual(labelErrors({ classes: 2, logits: new Float32Array(0), labels: new Int32Array(0) }), [])
    const errors = labelErrors({ classes: 3, logits: Float32Array.of(0, 1, 9, 0, 3, 9), labels: Int32Array.of(0, 1) })
    assert.deepStrictEqual(errors, [])
  })
})
