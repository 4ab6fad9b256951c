import { assert, describe, it } from "@effect/vitest"
import type { Predictions } from "../../src/metrics/calibration.ts"
import { confidentJoint, labelErrors } from "../../src/metrics/labelErrors.ts"
import { predictions } from "../../src/metrics/topK.ts"
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

/** [sample, label, suggested, self-confidence, probability] from the paper's definitions in numpy. */
const expected = [
  [15, 2, 1, 0.000925766, 0.790658836],
  [0, 0, 1, 0.005870541, 0.946982002],
  [27, 0, 2, 0.007254921, 0.911428758]
] as const

describe("labelErrors", () => {
  it("counts the confident joint, and lists what both prunings of the paper choose, as numpy does", () => {
    assert.deepStrictEqual([...confidentJoint(found)], [6, 1, 2, 1, 4, 0, 0, 2, 8])
    const errors = labelErrors(found)
    // Two more are pruned, samples 9 and 6: doubt would explain 0.47 and 1.2 of those that are listed with them.
    assert.deepStrictEqual(
      errors.map(({ label, sample, suggested }) => [sample, label, suggested]),
      expected.map(([sample, label, suggested]) => [sample, label, suggested])
    )
    for (const [k, [, , , selfConfidence, probability]] of expected.entries()) {
      assert.approximately(errors[k]?.selfConfidence ?? Number.NaN, selfConfidence, 1e-8)
      assert.approximately(errors[k]?.probability ?? Number.NaN, probability, 1e-8)
    }
  })

  /** A long tail of samples, four in ten of them hard: likely of their own class, and at times a neighbour's. */
  const longTail = (flips: number) => {
    const classes = 30
    const random = draw("long tail", flips)
    const sizes = Array.from({ length: classes }, (_, c) => Math.max(2, Math.round(300 * 0.85 ** c)))
    const truth = Int32Array.from(sizes.flatMap((size, c) => Array.from({ length: size }, () => c)))
    const logits = new Float32Array(truth.length * classes)
    truth.forEach((own, i) => {
      const neighbour = own ^ 1
      // The odds of the neighbour are those that the logits say, so that the probabilities are calibrated.
      const isHard = random.next() < 0.4
      const lead = isHard ? 2.5 + random.normal() : 8
      const isOther = random.next() < 1 / (1 + Math.exp(lead))
      if (isHard && isOther) truth[i] = neighbour
      for (let c = 0; c < classes; c++) logits[i * classes + c] = -9 + 0.5 * random.normal()
      logits[i * classes + own] = lead
      logits[i * classes + neighbour] = 0
    })
    const labels = truth.map((own) => (random.next() < flips ? (own + 1 + random.below(classes - 1)) % classes : own))
    return { truth, found: { classes, labels, logits } }
  }

  it("lists nearly nothing of a catalogue whose labels are right, however many the model gets wrong", () => {
    const { found, truth } = longTail(0)
    const wrong = truth.filter((own, i) => own !== predictions(found.logits, found.classes)[i]).length
    assert.isAbove(wrong, 30)
    assert.isAtMost(labelErrors(found).length, 3)
  })

  it("finds flipped labels with the class that they had, of which few are the model's doubt", () => {
    const { found, truth } = longTail(0.05)
    const flipped = found.labels.filter((label, i) => label !== truth[i]).length
    const listed = labelErrors(found)
    const right = listed.filter(({ label, sample }) => truth[sample] !== label)
    assert.isAtLeast(right.length / listed.length, 0.8)
    assert.isAtLeast(right.length / flipped, 0.6)
    assert.isAtLeast(right.filter(({ sample, suggested }) => truth[sample] === suggested).length / right.length, 0.9)
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
      return (k % classes === truth[i] ? (isHard ? 0.4 : 10) : 0) + (isHard ? 0.3 : 0.4) * random.normal()
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
