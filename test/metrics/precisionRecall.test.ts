import { assert, describe, it } from "@effect/vitest"
import { averagePrecisions } from "../../src/metrics/metrics/averagePrecision.ts"
import { precisionRecallCurve } from "../../src/metrics/precisionRecall.ts"
import { draw } from "../../src/pipeline/draw.ts"

describe("precision over recall", () => {
  it("is that of a case worked out by hand, with ties at one threshold", () => {
    // Class 0: scores .9 right, .8 wrong, .8 right, .4 wrong, .3 right.
    const scores = Float64Array.from([0.9, 0.1, 0.8, 0.2, 0.8, 0.2, 0.4, 0.6, 0.3, 0.7])
    const labels = Int32Array.from([0, 1, 0, 1, 0])
    assert.deepStrictEqual(precisionRecallCurve(scores, labels, 2, 0, 100), [
      { threshold: 0.9, precision: 1, recall: 1 / 3 },
      { threshold: 0.8, precision: 2 / 3, recall: 2 / 3 },
      { threshold: 0.3, precision: 3 / 5, recall: 1 }
    ])
    assert.isNull(precisionRecallCurve(scores, labels, 2, 7, 100))
  })

  it("has the area that is the average precision, and keeps its ends where it is thinned", () => {
    const random = draw(5, "precision over recall")
    const [classes, rows] = [5, 400]
    const labels = Int32Array.from({ length: rows }, () => random.below(classes))
    // In steps, so that there are ties.
    const scores = Float64Array.from({ length: rows * classes }, (_, i) => {
      const isOwn = i % classes === labels[Math.floor(i / classes)]
      return Math.round(40 * (random.next() + (isOwn ? 0.4 : 0))) / 40
    })
    const expected = averagePrecisions(scores, labels, classes)
    for (let c = 0; c < classes; c++) {
      const curve = precisionRecallCurve(scores, labels, classes, c, 1000)!
      const area = curve.reduce(
        (sum, { precision, recall }, i) => sum + (recall - (curve[i - 1]?.recall ?? 0)) * precision,
        0
      )
      assert.closeTo(area, expected[c]!, 1e-12)
      const thinned = precisionRecallCurve(scores, labels, classes, c, 7)!
      assert.lengthOf(thinned, 7)
      assert.deepStrictEqual([thinned[0], thinned[6]], [curve[0], curve.at(-1)])
    }
  })
})
