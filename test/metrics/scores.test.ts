import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { metrics } from "../../src/metrics/metrics.ts"
import { countsOf, scores } from "../../src/metrics/scores.ts"

const Score = Schema.Struct({ precision: Schema.Finite, recall: Schema.Finite, f1: Schema.Finite })
const expectedMetrics = {
  classes: Schema.Int,
  true: Schema.Array(Schema.Int),
  accuracy: Schema.Finite,
  weighted: Score,
  macro: Score,
  micro: Score,
  balancedAccuracy: Schema.Finite,
  cohenKappa: Schema.NullOr(Schema.Finite),
  matthews: Schema.Finite
}
const Case = Schema.Struct({
  ...expectedMetrics,
  note: Schema.String,
  predicted: Schema.Array(Schema.Int),
  perClass: Schema.Array(Schema.Struct({ ...Score.fields, support: Schema.Int }))
})
const Columns = Schema.Struct({
  precision: Schema.Array(Schema.Finite),
  recall: Schema.Array(Schema.Finite),
  f1: Schema.Array(Schema.Finite),
  support: Schema.Array(Schema.Int)
})
const Fixture = Schema.Struct({
  ...expectedMetrics,
  pred: Schema.Array(Schema.Int),
  perClass: Columns,
  confusion: Schema.Array(Schema.Array(Schema.Int))
})

/** Compares two values of the same form, number by number. */
const assertClose = (actual: unknown, expected: unknown, path: string): void => {
  if (typeof expected === "number") {
    assert.isNumber(actual, path)
    assert.closeTo(Number(actual), expected, 1e-12, path)
  } else if (typeof expected === "object" && expected !== null) {
    for (const [key, value] of Object.entries(expected))
      assertClose((actual as Record<string, unknown>)[key], value, `${path}.${key}`) // an object of the same form
  } else assert.strictEqual(actual, expected, path)
}

const read = <S extends Schema.Constraint>(schema: S, path: URL | string) =>
  Schema.decodeEffect(Schema.fromJsonString(schema))(readFileSync(path, "utf8"))

/** Every metric of counts beside scikit-learn's number at its path. */
const assertMetrics = (confusion: Confusion.Confusion, expected: unknown, what: string) => {
  const counts = countsOf(confusion)
  for (const metric of metrics)
    if (metric.of === "counts") {
      const oracle = metric.path
        .split(".")
        .reduce((value, key) => (value as Readonly<Record<string, unknown>>)[key], expected) // a fixture has every path
      assertClose(metric.value(counts), oracle, `${what}: ${metric.path}`)
    }
}

it.effect("scores are scikit-learn's, also where a class is never true, never predicted, or alone", () =>
  Effect.gen(function* () {
    const cases = yield* read(Schema.Array(Case), new URL("scikitLearn.json", import.meta.url))
    assert.lengthOf(cases, 5)
    for (const expected of cases) {
      const confusion = Confusion.add(Confusion.empty(expected.classes), expected.true, expected.predicted)
      assertMetrics(confusion, expected, expected.note)
      assert.lengthOf(scores(confusion), expected.perClass.length)
      assertClose(scores(confusion), expected.perClass, `${expected.note}: perClass`)
    }
  })
)

it("metrics without samples are null or 0, never NaN", () => {
  const counts = countsOf(Confusion.empty(3))
  const ofCounts = metrics.flatMap((metric) => (metric.of === "counts" ? [metric] : []))
  for (const metric of ofCounts)
    assert.strictEqual(metric.value(counts), metric.presence === "number" ? 0 : null, metric.path)
  const nothing = { precision: 0, recall: 0, f1: 0, support: 0 }
  assert.deepStrictEqual(scores(Confusion.empty(3)), [nothing, nothing, nothing])
})

const fixture = "../shared/fixtures/metrics.json"

describe.skipIf(!existsSync(fixture))("the reference metrics", () => {
  it.effect("of scikit-learn hold to 1e-12", () =>
    Effect.gen(function* () {
      for (const expected of yield* read(Schema.NonEmptyArray(Fixture), fixture)) {
        const confusion = Confusion.add(Confusion.empty(expected.classes), expected.true, expected.pred)
        const perClass = scores(confusion)
        assertMetrics(confusion, expected, `${expected.classes} classes`)
        for (const column of ["precision", "recall", "f1", "support"] as const)
          assertClose(
            perClass.map((score) => score[column]),
            expected.perClass[column],
            column
          )
        assert.deepStrictEqual(Confusion.rows(confusion), expected.confusion)
      }
    })
  )
})
