import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { predictions, topK, topKCorrect } from "../../src/metrics/topK.ts"

// Drawn once with numpy; the counts are of scikit-learn's `top_k_accuracy_score(normalize=False)`.
const logits = Float32Array.from(
  [
    [-0.8, -1.32, -0.25, 0.42, 1.14, 0.11, -0.55],
    [-0.78, 0.75, 1.63, 0.27, -1.23, -0.96, 1.6],
    [0.2, -1.73, -0.08, -1.16, -0.63, -0.49, -0.71],
    [0.55, -0.06, -0.59, 0.41, 0.83, -1.64, -0.26],
    [-0.98, -0.17, -1.29, 0.02, -0.04, -0.3, -1.05],
    [-0.4, -1.09, -1.36, 0.22, -1.11, 1.17, 0.72],
    [-2, 0.27, -1.1, 0.03, 0.04, -1.99, -0.23],
    [-0.26, 0.96, -1.18, 0.74, -1.1, -0.33, -0.84]
  ].flat()
)
const labels = [1, 3, 4, 1, 2, 5, 1, 4]

it("top-k counts are scikit-learn's", () => {
  assert.deepStrictEqual(
    [1, 3, 5].map((k) => topKCorrect(logits, labels, 7, k)),
    [2, 2, 5]
  )
  assert.strictEqual(topKCorrect(logits, labels, 7, 7), labels.length)
  assert.deepStrictEqual([...predictions(logits, 7)], [4, 2, 0, 4, 3, 5, 1, 1])
})

// Few different values, so that there are ties.
const Row = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 2 }))).check(
  Schema.isBetweenLength(1, 9)
)

it.effect.prop("candidates are ordered by logit, at ties by index, and agree with the counts", [Row], ([row]) =>
  Effect.sync(() => {
    const one = Float32Array.from(row)
    const all = topK(one, row.length)
    const expected = row.map((_, index) => index).sort((a, b) => row[b]! - row[a]! || a - b)
    assert.deepStrictEqual(
      all.map(({ index }) => index),
      expected
    )
    assert.closeTo(
      all.reduce((sum, { probability }) => sum + probability, 0),
      1,
      1e-12
    )
    assert.strictEqual(predictions(one, row.length)[0], expected[0])
    for (let k = 1; k <= row.length; k++) {
      assert.deepStrictEqual(topK(one, k), all.slice(0, k))
      for (let label = 0; label < row.length; label++)
        assert.strictEqual(topKCorrect(one, [label], row.length, k), expected.indexOf(label) < k ? 1 : 0)
    }
  })
)

it("probabilities are the softmax, also of logits that would overflow", () => {
  const [first, second] = topK(Float32Array.from([1000, 1000 + Math.log(3), -1000]), 2)
  assert.strictEqual(first?.index, 1)
  assert.closeTo(first?.probability ?? 0, 0.75, 1e-4)
  assert.closeTo(second?.probability ?? 0, 0.25, 1e-4)
})

it("a logit that is no number is never right", () => {
  const broken = Float32Array.from([Number.NaN, -Infinity, 2])
  assert.strictEqual(predictions(broken, 3)[0], 2)
  assert.strictEqual(topKCorrect(broken, [0], 3, 2), 0)
  assert.strictEqual(topKCorrect(broken, [1], 3, 2), 1)
  assert.deepStrictEqual([...predictions(new Float32Array(3).fill(Number.NaN), 3)], [0])
})
