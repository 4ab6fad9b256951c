import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Evaluation from "../../src/metrics/Evaluation.ts"
import { metrics as all, metricText, shownAt, valueIn } from "../../src/metrics/metrics.ts"
import { TestReport, testReport } from "../../src/metrics/Report.ts"
import { draw } from "../../src/pipeline/draw.ts"

// Those of a column with several values have their own test.
const metrics = all.filter(({ presence }) => presence !== "several")
const classes = 8
const labels = Array.from({ length: classes }, (_, i) => `class ${i}`)
const predicted = (seed: number, samples: number, signal: number) => {
  const random = draw("metrics", seed)
  // The last class has no sample.
  const truth = Int32Array.from({ length: samples }, () => random.below(classes - 1))
  const logits = Float32Array.from(
    { length: samples * classes },
    (_, k) => random.normal() + (k % classes === truth[Math.floor(k / classes)] ? signal : 0)
  )
  return Evaluation.measure({ classes, labels: truth, logits })
}
const decode = Schema.decodeUnknownEffect(TestReport)

const path = (metric: { readonly path: string }) => metric.path.split(".")

describe("the list of metrics", () => {
  it("names each place in the report once", () => {
    assert.strictEqual(new Set(all.map(({ path }) => path)).size, all.length)
  })

  it.effect("gives each metric a number within its range, which the report's Schema has at its path", () =>
    Effect.gen(function* () {
      for (const [seed, signal] of [0, 1, 3, -6, 40].entries()) {
        const report = testReport(predicted(seed, 60, signal), labels)
        assert.isNotNull(report)
        const decoded = yield* decode(JSON.parse(JSON.stringify(report)))
        assert.deepStrictEqual(decoded, report)
        for (const metric of metrics) {
          const value = valueIn(decoded, metric)
          assert.isNotNull(value, metric.path)
          const [least, greatest] = metric.range
          assert.isTrue(least <= value && value <= greatest, `${metric.path}: ${value}`)
        }
      }
    })
  )

  it("says of each metric which direction is better: correct predictions beat random ones", () => {
    const [random, good] = [testReport(predicted(1, 200, 0), labels), testReport(predicted(1, 200, 5), labels)]
    for (const metric of metrics) {
      const [worse, better] = [random, good].map((report) => report && valueIn(report, metric))
      assert.isTrue(
        metric.better === "higher" ? (better ?? 0) > (worse ?? 0) : (better ?? 0) < (worse ?? 0),
        `${metric.path}: ${worse}, ${better}`
      )
    }
  })

  it.effect("can be read in the report of an earlier version, which lacks the metrics that were added since", () =>
    Effect.gen(function* () {
      const report = testReport(predicted(1, 60, 2), labels)
      assert.isNotNull(report)
      const earlier = JSON.parse(JSON.stringify(report))
      const added = metrics.filter(({ presence }) => presence === "added")
      for (const [name = "", key] of added.map(path))
        if (key === undefined) delete earlier[name]
        else delete earlier[name][key]
      const decoded = yield* decode(earlier)
      for (const metric of added) assert.isNull(valueIn(decoded, metric))
      // Derived again to be compared, it has what the earlier report has, and no more.
      assert.deepStrictEqual(testReport(predicted(1, 60, 2), labels, decoded), decoded)
      assert.deepStrictEqual(
        shownAt("summary", decoded).map(({ metric }) => metric.path),
        metrics
          .filter(({ presence, shown }) => presence !== "added" && shown.includes("summary"))
          .map(({ path }) => path)
      )
    })
  )

  it("is shown in percent or with its decimals", () => {
    assert.strictEqual(metricText({ unit: "%", decimals: 1 }, 0.84719), "84.7 %")
    assert.strictEqual(metricText({ unit: "nats", decimals: 4 }, 0.412149), "0.4121")
  })
})

describe("top-k accuracy", () => {
  it("counts samples whose class is among the first k, at ties in the order of the classes", () => {
    const logits = [
      [0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [5, 4, 3, 2, 1, 0, 0],
      [0, 0, 0, 0, 0, 9, 9]
    ]
    const found = Evaluation.measure({
      classes: 7,
      logits: Float32Array.from(logits.flat()),
      labels: Int32Array.of(0, 6, 4, 5)
    })
    const report = testReport(found, labels.slice(1))
    assert.strictEqual(report?.top5Accuracy, 3 / 4)
    assert.strictEqual(report?.top3Accuracy, 2 / 4)
  })

  it("does not exist where there are no more than k classes", () => {
    const found = Evaluation.measure({ classes: 5, logits: new Float32Array(5), labels: Int32Array.of(4) })
    const report = testReport(found, labels.slice(3))
    assert.isNull(report?.top5Accuracy)
    assert.strictEqual(report?.top3Accuracy, 0)
  })
})
