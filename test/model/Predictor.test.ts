import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rowLosses, softmax } from "../../src/model/crossEntropy.ts"
import { logMeanSoftmax, mirrored, predictorOf } from "../../src/model/Predictor.ts"
import type { Batch } from "../../src/pipeline/Batch.ts"

/** Two images of 2 x 3 pixels. */
const batch: Batch = {
  index: 4,
  images: Float32Array.from({ length: 36 }, (_, i) => i),
  labels: Int32Array.of(0, 2),
  ids: ["a", "b"],
  size: 2,
  height: 2,
  width: 3
}
const a = Float32Array.of(1.5, -0.5, 0.25, 3, 0, -2)
const b = Float32Array.of(-1, 0.5, 0.75, 2, 2.5, -300)

describe("Predictor", () => {
  it("mirrors every line of every image, and leaves the batch as it was", () => {
    const before = batch.images.slice()
    const { images, ...rest } = mirrored(batch)
    assert.deepStrictEqual([...images.subarray(0, 9)], [6, 7, 8, 3, 4, 5, 0, 1, 2])
    assert.deepStrictEqual([...images.subarray(27)], [33, 34, 35, 30, 31, 32, 27, 28, 29])
    assert.deepStrictEqual(mirrored({ ...rest, images }).images, before)
    assert.deepStrictEqual(batch.images, before)
    assert.deepStrictEqual({ ...rest, images: before }, batch)
  })

  it("takes the mean of probabilities, also where one of them is nearly nothing", () => {
    const both = [softmax(a, 3), softmax(b, 3)] as const
    const mean = softmax(logMeanSoftmax(a, b, 3), 3)
    for (const [i, p] of mean.entries()) assert.approximately(p, (both[0][i]! + both[1][i]!) / 2, 1e-7)
    const far = logMeanSoftmax(Float32Array.of(0, -9e3), Float32Array.of(0, -9.5e3), 2)
    assert.approximately(far[1]!, -9e3 - Math.LN2, 1e-2)
  })

  it("has a loss that is never above the mean of the two losses", () => {
    const labels = Int32Array.of(1, 2)
    const [one, other] = [rowLosses(a, labels, 3), rowLosses(b, labels, 3)]
    for (const [row, loss] of rowLosses(logMeanSoftmax(a, b, 3), labels, 3).entries())
      assert.isBelow(loss, (one[row]! + other[row]!) / 2)
  })

  it.effect("asks once without, and about the image and its mirror image with flip", () =>
    Effect.gen(function* () {
      const asked: Array<Float32Array> = []
      const session = {
        predict: ({ images }: Batch) => Effect.sync(() => (asked.push(images), asked.length === 2 ? b : a))
      }
      assert.strictEqual(yield* predictorOf(session, { tta: "none" }, 3).predict(batch), a)
      asked.length = 0
      assert.deepStrictEqual(yield* predictorOf(session, { tta: "flip" }, 3).predict(batch), logMeanSoftmax(a, b, 3))
      assert.deepStrictEqual(asked, [batch.images, mirrored(batch).images])
    })
  )
})
