import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Confusion from "../../src/metrics/Confusion.ts"

const classes = 5
const Label = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: classes - 1 }))
const Pairs = Schema.Array(Schema.Tuple([Label, Label])).check(Schema.isMaxLength(40))

const confusionOf = (pairs: typeof Pairs.Type) =>
  Confusion.add(
    Confusion.empty(classes),
    pairs.map(([label]) => label),
    pairs.map(([, predicted]) => predicted)
  )

it("rows are the true classes and columns the predicted ones", () => {
  const confusion = Confusion.add(Confusion.empty(3), [0, 0, 2, 1], [1, 1, 0, 1])
  assert.deepStrictEqual(Confusion.rows(confusion), [
    [0, 2, 0],
    [0, 1, 0],
    [1, 0, 0]
  ])
})

it.effect.prop(
  "confusions are a monoid: parts in any grouping and order add up to the whole",
  [Pairs, Pairs, Pairs],
  ([a, b, c]) =>
    Effect.sync(() => {
      const [x, y, z] = [confusionOf(a), confusionOf(b), confusionOf(c)]
      const whole = confusionOf([...c, ...a, ...b])
      assert.deepStrictEqual(Confusion.combine(Confusion.combine(x, y), z), whole)
      assert.deepStrictEqual(Confusion.combine(x, Confusion.combine(y, z)), whole)
      assert.deepStrictEqual(Confusion.combine(y, x), Confusion.combine(x, y))
      assert.deepStrictEqual(Confusion.combine(x, Confusion.empty(classes)), x)
      assert.deepStrictEqual(Confusion.combine(Confusion.empty(classes), x), x)
    })
)

it.effect.prop("margins count every prediction once", [Pairs], ([pairs]) =>
  Effect.sync(() => {
    const { correct, predicted, support, total } = Confusion.margins(confusionOf(pairs))
    const sum = (counts: Float64Array) => counts.reduce((a, b) => a + b, 0)
    assert.strictEqual(total, pairs.length)
    assert.strictEqual(sum(support), pairs.length)
    assert.strictEqual(sum(predicted), pairs.length)
    assert.strictEqual(sum(correct), pairs.filter(([label, guess]) => label === guess).length)
    pairs.forEach(([label]) => assert.isAbove(support[label]!, 0))
  })
)

it.effect.prop("a confusion goes through its rows and back", [Pairs], ([pairs]) =>
  Effect.sync(() => {
    const confusion = confusionOf(pairs)
    assert.deepStrictEqual(Confusion.fromRows(Confusion.rows(confusion)), confusion)
  })
)

it("adding leaves the counts that it adds to as they were", () => {
  const before = Confusion.empty(2)
  Confusion.add(before, [1], [0])
  assert.deepStrictEqual(before, Confusion.empty(2))
})

it("a class that does not exist, or a missing prediction, is refused", () => {
  assert.throws(() => Confusion.add(Confusion.empty(3), [3], [0]), RangeError)
  assert.throws(() => Confusion.add(Confusion.empty(3), [0], [-1]), RangeError)
  assert.throws(() => Confusion.add(Confusion.empty(3), [0], [Number.NaN]), RangeError)
  assert.throws(() => Confusion.add(Confusion.empty(3), [0, 1], [0]), RangeError)
  assert.throws(
    () =>
      Confusion.fromRows([
        [1, 2, 3],
        [4, 5, 6]
      ]),
    RangeError
  )
  assert.throws(() => Confusion.combine(Confusion.empty(3), Confusion.empty(4)), RangeError)
})
