import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Schema } from "effect"
import { rowLosses, softmax } from "../../src/metrics/crossEntropy.ts"
import { logMeanSoftmax, meanPrediction, mirrored, predictorOf } from "../../src/model/Predictor.ts"
import type { Batch } from "../../src/pipeline/Batch.ts"
import { columnNamed } from "../columnNamed.ts"

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

/** Four logits; null stands for -Infinity, a class that is out of the question. */
const Row = Schema.Array(Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: -400, maximum: 400 })))).check(
  Schema.isBetweenLength(4, 4),
  Schema.makeFilter((row) => row.some((logit) => logit !== null), { expected: "a class that may be" })
)

/** exp(x) / Σ exp, from the definition, less the largest. */
const distribution = (row: ArrayLike<number>): ReadonlyArray<number> => {
  const logits = Array.fromIterable(Float64Array.from(row))
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
  const sum = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / sum)
}

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
    const mean = softmax(logMeanSoftmax([a, b], 3), 3)
    for (const [i, p] of mean.entries()) assert.approximately(p, (both[0][i]! + both[1][i]!) / 2, 1e-7)
    const far = logMeanSoftmax([Float32Array.of(0, -9e3), Float32Array.of(0, -9.5e3)], 2)
    assert.approximately(far[1]!, -9e3 - Math.LN2, 1e-2)
  })

  it.prop(
    "takes the mean of any number of rows, as its definition in float64 does",
    {
      networks: Schema.Array(Schema.Array(Row).check(Schema.isBetweenLength(3, 3))).check(Schema.isBetweenLength(1, 7))
    },
    ({ networks: drawn }) => {
      const networks = drawn.map((rows) => rows.map((row) => row.map((logit) => logit ?? -Infinity)))
      const several = networks.map((rows) => Float32Array.from(rows.flat()))
      if (!Array.isArrayNonEmpty(several)) return assert.fail("one network at least")
      const mean = logMeanSoftmax(several, 4)
      for (let row = 0; row < 3; row++) {
        const expected = [0, 1, 2, 3].map(
          (c) => networks.reduce((sum, rows) => sum + distribution(rows[row]!)[c]!, 0) / networks.length
        )
        const found = distribution(mean.subarray(4 * row, 4 * row + 4))
        for (const [c, p] of expected.entries()) {
          assert.approximately(found[c]!, p, 1e-5)
          // Where the mean is no denormal, its logarithm is right too; of one network alone they are any logits.
          if (networks.length > 1 && p > 1e-290)
            assert.approximately(mean[4 * row + c]!, Math.log(p), 1e-6 * Math.max(1, -Math.log(p)))
        }
      }
    }
  )

  it("gives one network's logits as they are, ties to ties, nothing where all say nothing, and NaN where one does", () => {
    assert.strictEqual(logMeanSoftmax([a], 3), a)
    const tied = Float32Array.of(2, 2, -1)
    const [first, second, third] = logMeanSoftmax([tied, Float32Array.of(0, 0, 1), tied], 3)
    assert.strictEqual(first, second)
    assert.isBelow(third!, first!)
    const never = Float32Array.of(1, -Infinity, 0)
    const once = logMeanSoftmax([never, Float32Array.of(0, 0, 0), never], 3)
    assert.approximately(once[1]!, Math.log(1 / 9), 1e-6)
    assert.strictEqual(logMeanSoftmax([never, never, never], 3)[1], -Infinity)
    const broken = logMeanSoftmax([a, Float32Array.of(0, NaN, 0, 1, 2, 3), b], 3)
    assert.isTrue([...broken.subarray(0, 3)].every(Number.isNaN))
    assert.isFalse([...broken.subarray(3)].some(Number.isNaN))
    const far = [-9e3, -9.5e3, -8.5e3].map((x) => Float32Array.of(0, x)) as [Float32Array, Float32Array, Float32Array]
    assert.approximately(logMeanSoftmax(far, 2)[1]!, -8.5e3 - Math.log(3), 1e-2)
  })

  it("has a loss that is never above the mean of the two losses", () => {
    const labels = Int32Array.of(1, 2)
    const [one, other] = [rowLosses(a, labels, 3), rowLosses(b, labels, 3)]
    for (const [row, loss] of rowLosses(logMeanSoftmax([a, b], 3), labels, 3).entries())
      assert.isBelow(loss, (one[row]! + other[row]!) / 2)
  })

  it("takes the means of several columns each by itself, of one with several values by sigmoids", () => {
    const columns = [columnNamed("tags", 2, "several"), columnNamed("kind", 3)]
    // Two samples of two tags and three kinds.
    const one = Float32Array.of(3, -40, 1, 2, 0, -200, 0.5, 4, 4, 1)
    const two = Float32Array.of(-1, -42, 0, 0, 3, -150, 2, 1, 0, 0)
    const three = Float32Array.of(0, -41, 5, 0, 0, 300, -2, 2, 2, 2)
    assert.strictEqual(meanPrediction([one], columns), one)
    const mean = meanPrediction([one, two, three], columns)
    const kinds = (logits: Float32Array) => Float32Array.of(...logits.subarray(2, 5), ...logits.subarray(7))
    assert.deepStrictEqual(kinds(mean), logMeanSoftmax([kinds(one), kinds(two), kinds(three)], 3))
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
    for (const at of [0, 6]) {
      const p = [one, two, three].reduce((sum, logits) => sum + sigmoid(logits[at]!), 0) / 3
      assert.approximately(sigmoid(mean[at]!), p, 1e-6)
    }
    // Nearly never: in float64 these probabilities are still numbers, and their mean's logit is nearly its logarithm.
    assert.approximately(mean[1]!, Math.log((Math.exp(-40) + Math.exp(-42) + Math.exp(-41)) / 3), 1e-5)
    // Never, never and always: one in three.
    assert.approximately(sigmoid(mean[5]!), 1 / 3, 1e-6)
  })

  it.effect("asks once without, and about the image and its mirror image with flip", () =>
    Effect.gen(function* () {
      const asked: Array<Float32Array> = []
      const session = {
        predict: ({ images }: Batch) => Effect.sync(() => (asked.push(images), asked.length === 2 ? b : a))
      }
      assert.strictEqual(yield* predictorOf(session, { tta: "none" }, [columnNamed("label", 3)]).predict(batch), a)
      asked.length = 0
      assert.deepStrictEqual(
        yield* predictorOf(session, { tta: "flip" }, [columnNamed("label", 3)]).predict(batch),
        logMeanSoftmax([a, b], 3)
      )
      assert.deepStrictEqual(asked, [batch.images, mirrored(batch).images])
    })
  )
})
