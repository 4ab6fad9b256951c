import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { scores } from "../../src/metrics/scores.ts"

const Score = Schema.Struct({ precision: Schema.Finite, recall: Schema.Finite, f1: Schema.Finite })
const figures = {
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
  ...figures,
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
  ...figures,
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

const names = ["accuracy", "weighted", "macro", "micro", "balancedAccuracy", "cohenKappa", "matthews"] as const

it.effect("scores are scikit-learn's, also where a class is never true, never predicted, or alone", () =>
  Effect.gen(function* () {
    const cases = yield* read(Schema.Array(Case), new URL("scikitLearn.json", import.meta.url))
    assert.lengthOf(cases, 5)
    for (const expected of cases) {
      const actual = scores(Confusion.add(Confusion.empty(expected.classes), expected.true, expected.predicted))
      for (const name of names) assertClose(actual[name], expected[name], `${expected.note}: ${name}`)
      assert.lengthOf(actual.perClass, expected.perClass.length)
      assertClose(actual.perClass, expected.perClass, `${expected.note}: perClass`)
    }
  })
)

it("figures of nothing do not exist, and none is NaN", () => {
  const actual = scores(Confusion.empty(3))
  const nothing = { precision: 0, recall: 0, f1: 0 }
  assert.deepStrictEqual(actual, {
    accuracy: null,
    weighted: nothing,
    macro: nothing,
    micro: nothing,
    perClass: [nothing, nothing, nothing].map((score) => ({ ...score, support: 0 })),
    balancedAccuracy: null,
    cohenKappa: null,
    matthews: null
  })
})

const fixture = "../shared/fixtures/metrics.json"

describe.skipIf(!existsSync(fixture))("the reference figures", () => {
  it.effect("of scikit-learn hold to 1e-12", () =>
    Effect.gen(function* () {
      for (const expected of yield* read(Schema.NonEmptyArray(Fixture), fixture)) {
        const confusion = Confusion.add(Confusion.empty(expected.classes), expected.true, expected.pred)
        const { perClass, ...actual } = scores(confusion)
        for (const name of names) assertClose(actual[name], expected[name], `${expected.classes} classes: ${name}`)
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
