import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Confusion from "../../src/metrics/Confusion.ts"
import * as Evaluation from "../../src/metrics/Evaluation.ts"

const classes = 7
const Sample = Schema.Struct({
  label: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: classes - 1 })),
  logits: Schema.Array(Schema.Finite.check(Schema.isBetween({ minimum: -9, maximum: 9 }))).check(
    Schema.isBetweenLength(classes, classes)
  )
})
const Samples = Schema.Array(Sample).check(Schema.isMaxLength(12))

const add = (evaluation: Evaluation.Evaluation, samples: typeof Samples.Type) =>
  Evaluation.add(
    evaluation,
    Float32Array.from(samples.flatMap(({ logits }) => logits)),
    Int32Array.from(samples, ({ label }) => label)
  )

const assertAlike = (actual: Evaluation.Evaluation, expected: Evaluation.Evaluation) => {
  assert.deepStrictEqual({ ...actual, lossSum: 0 }, { ...expected, lossSum: 0 })
  assert.closeTo(actual.lossSum, expected.lossSum, 1e-9)
}

it.effect.prop(
  "batches one after the other, or apart and then combined, count the same",
  [Samples, Samples],
  ([a, b]) =>
    Effect.sync(() => {
      const nothing = Evaluation.empty(classes)
      const whole = add(nothing, [...a, ...b])
      assertAlike(add(add(nothing, a), b), whole)
      assertAlike(Evaluation.combine(add(nothing, a), add(nothing, b)), whole)
      assertAlike(Evaluation.combine(add(nothing, b), add(nothing, a)), whole)
      assertAlike(Evaluation.combine(whole, nothing), whole)
      assert.strictEqual(whole.samples, a.length + b.length)
      const { correct, total } = Confusion.margins(whole.confusion)
      assert.strictEqual(total, whole.samples)
      assert.strictEqual(
        correct.reduce((sum, count) => sum + count, 0),
        whole.correct
      )
    })
)

it("loss and accuracy are means over the samples", () => {
  const evaluation = add(Evaluation.empty(classes), [
    { label: 0, logits: [0, 0, 0, 0, 0, 0, 0] },
    { label: 6, logits: [0, 0, 0, 0, 0, 0, 0] },
    { label: 4, logits: [5, 4, 3, 2, 1, 0, 0] },
    { label: 5, logits: [0, 0, 0, 0, 0, 9, 9] }
  ])
  const third = Math.log(Math.exp(5) + Math.exp(4) + Math.exp(3) + Math.exp(2) + Math.exp(1) + 2) - 1
  const fourth = Math.log(2 * Math.exp(9) + 5) - 9
  assert.closeTo(Evaluation.lossOf(evaluation) ?? 0, (2 * Math.log(7) + third + fourth) / 4, 1e-12)
  assert.strictEqual(Evaluation.accuracyOf(evaluation), 2 / 4)
})

it("metrics of no samples do not exist", () => {
  const nothing = Evaluation.empty(classes)
  assert.isNull(Evaluation.lossOf(nothing))
  assert.isNull(Evaluation.accuracyOf(nothing))
})

it("a loss that is no number does not exist", () => {
  const broken = Evaluation.add(Evaluation.empty(2), Float32Array.of(Number.NaN, 1), Int32Array.of(0))
  assert.isNull(Evaluation.lossOf(broken))
  assert.strictEqual(Evaluation.accuracyOf(broken), 0)
})

it("predictions that are kept are evaluated as a batch of them is", () => {
  const found = { classes: 3, logits: Float32Array.of(1, 2, 3, 6, 5, 4), labels: Int32Array.of(2, 1) }
  const { predictions, ...evaluation } = Evaluation.measure(found)
  assert.strictEqual(predictions, found)
  assert.deepStrictEqual(evaluation, Evaluation.add(Evaluation.empty(3), found.logits, found.labels))
})

it("logits that do not fit the labels are refused", () => {
  assert.throws(() => Evaluation.add(Evaluation.empty(3), new Float32Array(7), Int32Array.of(0, 1)), RangeError)
})
