import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { calibrationMetrics } from "../../src/metrics/calibration.ts"
import { fitTemperature } from "../../src/metrics/fitTemperature.ts"
import { metrics, valueIn } from "../../src/metrics/metrics.ts"
import * as Multilabel from "../../src/metrics/multilabel.ts"
import type { MultilabelPredictions } from "../../src/metrics/multilabel.ts"
import { TestReport, testReport } from "../../src/metrics/Report.ts"

const Scores = { precision: Schema.Finite, recall: Schema.Finite, f1: Schema.Finite }
// Made by multilabel.py beside it.
const Oracle = Schema.Struct({
  cases: Schema.NonEmptyArray(
    Schema.Struct({
      note: Schema.String,
      classes: Schema.Natural,
      labels: Schema.Array(Schema.Natural),
      logits: Schema.Array(Schema.Finite),
      thresholds: Schema.Array(Schema.Finite),
      accuracy: Schema.Finite,
      hammingLoss: Schema.Finite,
      loss: Schema.Finite,
      lossByLogLoss: Schema.Finite,
      weighted: Schema.Struct(Scores),
      macro: Schema.Struct(Scores),
      micro: Schema.Struct(Scores),
      perClass: Schema.Array(Schema.Struct({ ...Scores, support: Schema.Natural })),
      averagePrecisions: Schema.Array(Schema.NullOr(Schema.Finite)),
      macroAveragePrecision: Schema.Finite,
      weightedAveragePrecision: Schema.Finite,
      bestF1: Schema.Array(Schema.NullOr(Schema.Finite)),
      temperature: Schema.Finite
    })
  )
})
const cases = Effect.map(
  Schema.decodeEffect(Schema.fromJsonString(Oracle))(readFileSync(new URL("multilabel.json", import.meta.url), "utf8")),
  ({ cases }) => cases
)
type Case = (typeof Oracle.Type)["cases"][number]
const predictionsOf = ({ classes, labels, logits }: Pick<Case, "classes" | "labels" | "logits">) =>
  ({
    values: "several",
    classes,
    logits: Float32Array.from(logits),
    labels: Uint8Array.from(labels)
  }) satisfies MultilabelPredictions
const names = (classes: number) => Array.from({ length: classes }, (_, i) => `tag ${i}`)
const close = (found: number | null | undefined, expected: number, note: string, by = 1e-12) =>
  assert.closeTo(found ?? Number.NaN, expected, by, note)

describe("a column with several values", () => {
  it.effect("has scikit-learn's metrics at its thresholds", () =>
    Effect.gen(function* () {
      for (const one of yield* cases) {
        const { note, thresholds } = one
        const measured = Multilabel.measure(predictionsOf(one), thresholds)
        const report = testReport(measured, names(one.classes))
        assert.isNotNull(report)
        close(report.accuracy, one.accuracy, note)
        close(report.hammingLoss, one.hammingLoss, note)
        close(report.loss, one.loss, note, 1e-9)
        close(report.loss, one.lossByLogLoss, note, 1e-9)
        for (const average of ["weighted", "macro", "micro"] as const)
          for (const score of ["precision", "recall", "f1"] as const)
            close(report[average][score], one[average][score], `${note}: ${average} ${score}`)
        close(report.macro.averagePrecision, one.macroAveragePrecision, note)
        close(report.weighted.averagePrecision, one.weightedAveragePrecision, note)
        assert.strictEqual(report.samples, one.labels.length / one.classes)
        assert.deepStrictEqual(report.confusion, [])
        for (const [c, expected] of one.perClass.entries()) {
          const found = report.perClass[c]
          assert.strictEqual(found?.support, expected.support)
          assert.strictEqual(found?.threshold, thresholds[c])
          for (const score of ["precision", "recall", "f1"] as const)
            close(found?.[score], expected[score], `${note}: ${score} of ${c}`)
          const precision = one.averagePrecisions[c] ?? null
          if (precision === null) assert.isNull(found?.averagePrecision)
          else close(found?.averagePrecision, precision, `${note}: average precision of ${c}`)
        }
        // What does not exist here is null, and the report can be read again.
        assert.isNull(report.matthews)
        assert.isNull(report.top5Accuracy)
        assert.deepStrictEqual(
          yield* Schema.decodeUnknownEffect(TestReport)(JSON.parse(JSON.stringify(report))),
          report
        )
        for (const metric of metrics) {
          const value = valueIn(report, metric)
          const [least, greatest] = metric.range
          assert.isTrue(value === null || (least <= value && value <= greatest), `${metric.path}: ${value}`)
        }
      }
    })
  )

  it.effect("is the same in one piece and in the sum of several", () =>
    Effect.gen(function* () {
      for (const one of yield* cases) {
        const { classes, labels, logits } = predictionsOf(one)
        const at = 7 * classes
        const part = (from: number, to: number) =>
          Multilabel.add(
            Multilabel.empty(classes),
            logits.subarray(from, to),
            labels.subarray(from, to),
            one.thresholds
          )
        const whole = Multilabel.add(Multilabel.empty(classes), logits, labels, one.thresholds)
        const { lossSum, ...sums } = Multilabel.combine(part(0, at), part(at, logits.length))
        const { lossSum: expected, ...others } = whole
        assert.deepStrictEqual(sums, others)
        close(lossSum, expected, one.note, 1e-9)
      }
    })
  )

  it.effect("has thresholds with the greatest F1 that there is", () =>
    Effect.gen(function* () {
      for (const one of yield* cases) {
        const found = predictionsOf(one)
        const thresholds = Multilabel.chooseThresholds(found)
        const report = testReport(Multilabel.measure(found, thresholds), names(one.classes))
        for (const [c, best] of one.bestF1.entries()) {
          const own = report?.perClass[c]
          assert.isDefined(own)
          if (best === null || own.support < Multilabel.enoughPositives) assert.strictEqual(thresholds[c], 0.5)
          else close(own.f1, best, `${one.note}: class ${c} at ${thresholds[c]}`)
        }
      }
    })
  )

  it("takes one half where it is as good as any other threshold, and for a class with few samples", () => {
    const of = (scores: ReadonlyArray<readonly [probability: number, applies: number]>) =>
      Multilabel.chooseThresholds({
        values: "several",
        classes: 1,
        logits: Float32Array.from(scores, ([p]) => Math.log(p / (1 - p))),
        labels: Uint8Array.from(scores, ([, applies]) => applies)
      })
    const ten = (probability: number, applies: number, count = 10) =>
      Array.from({ length: count }, () => [probability, applies] as const)
    assert.deepStrictEqual(of([...ten(0.9, 1), ...ten(0.2, 0)]), [0.5])
    // Between the scores, in their middle; not nearer to either.
    close(of([...ten(0.3, 1), ...ten(0.1, 0)])[0], 0.2, "low scores", 1e-6)
    close(of([...ten(0.9, 1), ...ten(0.8, 0)])[0], 0.85, "high scores", 1e-6)
    assert.deepStrictEqual(of([...ten(0.3, 1, 9), ...ten(0.1, 0)]), [0.5])
    assert.deepStrictEqual(of([...ten(0.3, 1), ...ten(Number.NaN, 0, 1)]), [0.5])
  })

  it.effect("has the temperature with the smallest loss, which its calibration then shows", () =>
    Effect.gen(function* () {
      for (const one of yield* cases) {
        const found = predictionsOf(one)
        const temperature = fitTemperature(found)
        close(temperature, one.temperature, one.note, 1e-5)
        const { binsAfter, eceAfter, lossAfter, lossBefore } = calibrationMetrics(found, temperature, 10)
        close(lossBefore, one.loss, one.note, 1e-9)
        assert.isBelow(lossAfter ?? Infinity, one.loss)
        assert.strictEqual(
          binsAfter.reduce((sum, { samples }) => sum + samples, 0),
          one.labels.length
        )
        // The definition: the mean distance of the bins' shares and mean probabilities, each by its pairs.
        const apart = binsAfter.reduce(
          (sum, { accuracy, confidence, samples }) => sum + samples * Math.abs((accuracy ?? 0) - (confidence ?? 0)),
          0
        )
        close(eceAfter, apart / one.labels.length, one.note)
      }
    })
  )

  it("refuses labels and thresholds that do not fit", () => {
    const { add, empty } = Multilabel
    assert.throws(() => add(empty(3), new Float32Array(6), new Uint8Array(3)), /3 labels of 3 classes, but 6 logits/)
    assert.throws(() => add(empty(3), new Float32Array(3), new Uint8Array(3), [0.5]), /1 thresholds/)
  })
})
