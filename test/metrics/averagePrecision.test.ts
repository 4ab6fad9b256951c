import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import * as Evaluation from "../../src/metrics/Evaluation.ts"
import { averagePrecisions } from "../../src/metrics/metrics/averagePrecision.ts"
import { shownAt } from "../../src/metrics/metrics.ts"
import { testReport } from "../../src/metrics/Report.ts"

// Made by averagePrecision.py beside it.
const Oracle = Schema.Struct({
  cases: Schema.NonEmptyArray(
    Schema.Struct({
      note: Schema.String,
      classes: Schema.Natural,
      labels: Schema.Array(Schema.Natural),
      scores: Schema.Array(Schema.Finite),
      perClass: Schema.Array(Schema.NullOr(Schema.Finite)),
      macro: Schema.Finite,
      weighted: Schema.Finite
    })
  )
})
const cases = Effect.map(
  Schema.decodeEffect(Schema.fromJsonString(Oracle))(
    readFileSync(new URL("averagePrecision.json", import.meta.url), "utf8")
  ),
  ({ cases }) => cases
)
const names = (classes: number) => Array.from({ length: classes }, (_, i) => `class ${i}`)
const measured = (classes: number, logits: ReadonlyArray<number>, labels: ReadonlyArray<number>) =>
  Evaluation.measure({ classes, logits: Float32Array.from(logits), labels: Int32Array.from(labels) })

describe("average precision", () => {
  it.effect("of each class against the rest is scikit-learn's, with ties and without samples too", () =>
    Effect.gen(function* () {
      for (const { classes, labels, note, perClass, scores } of yield* cases) {
        const found = averagePrecisions(Float64Array.from(scores), Int32Array.from(labels), classes)
        assert.lengthOf(found, perClass.length)
        for (const [c, expected] of perClass.entries())
          if (expected === null) assert.isNull(found[c], note)
          else assert.closeTo(found[c] ?? Number.NaN, expected, 1e-12, `${note}: class ${c}`)
      }
    })
  )

  it.effect("is the macro and the weighted mean over the classes that have samples, by the probabilities", () =>
    Effect.gen(function* () {
      // The logarithms of probabilities are logits; what was rounded to have ties adds up to 1 no longer.
      const probable = (yield* cases).filter(({ note }) => note !== "many ties")
      assert.isAtLeast(probable.length, 4)
      for (const { classes, labels, macro, note, scores, weighted } of probable) {
        const report = testReport(measured(classes, scores.map(Math.log), labels), names(classes))
        assert.closeTo(report?.macro.averagePrecision ?? Number.NaN, macro, 1e-12, note)
        assert.closeTo(report?.weighted.averagePrecision ?? Number.NaN, weighted, 1e-12, note)
      }
    })
  )

  it("says how many classes it leaves out, and nothing where it is of all", () => {
    const notes = (labels: ReadonlyArray<number>) => {
      const report = testReport(measured(3, [2, 1, 0, 0, 2, 1, 0, 1, 2], labels), names(3))
      assert.isNotNull(report)
      return shownAt("page", report).flatMap(({ metric }) => metric.note?.(report) ?? [])
    }
    assert.deepStrictEqual(notes([0, 1, 2]), [])
    assert.match(notes([0, 0, 1])[0] ?? "", /without 1 of 3 classes, which have no samples/)
  })

  it("does not exist where a probability is not a number", () => {
    const report = testReport(measured(2, [1, Number.NaN, 1, 0], [0, 1]), names(2))
    assert.isNull(report?.macro.averagePrecision)
    assert.isNull(report?.weighted.averagePrecision)
  })
})
