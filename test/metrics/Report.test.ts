import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Evaluation from "../../src/metrics/Evaluation.ts"
import { Report, testReport } from "../../src/metrics/Report.ts"

const labels = ["shirt", "shoe", "sock", "scarf", "shorts", "skirt"]
const evaluation = Evaluation.measure({
  classes: 6,
  logits: Float32Array.from(
    [
      [1, 5, 0, 0, 0, 0],
      [9, 8, 7, 6, 5, 4],
      [0, 0, 0, 0, 1, 0]
    ].flat()
  ),
  labels: Int32Array.of(1, 5, 4)
})
const nothing = { classes: 6, logits: new Float32Array(0), labels: new Int32Array(0) }

const report: Report = {
  data: {
    listed: 10,
    kept: 7,
    refused: { malformed: 2, imageMissing: 1 },
    classes: 6,
    train: 4,
    validation: 0,
    test: 3
  },
  model: { network: "simple-cnn", head: null, parameters: 5, trainableParameters: 5 },
  history: [
    {
      epoch: 1,
      trainLoss: 1.5,
      trainAccuracy: 0.5,
      validationLoss: null,
      validationAccuracy: null,
      learningRate: 0.001,
      imagesPerSecond: 80,
      seconds: 2,
      waiting: 0.1
    }
  ],
  chosenEpoch: 1,
  test: testReport(evaluation, labels),
  engine: { name: "reference", device: "CPU", versions: { reference: "1" } },
  seconds: 3,
  receipt: {
    dataDigest: "d",
    configDigest: "c",
    ledger: { listed: 10, kept: 7, refused: { malformed: 2, imageMissing: 1 } },
    versions: { weft: "0.1.0", node: "24" },
    seeds: { run: 1 },
    machine: { platform: "linux", arch: "x64", cpus: 2, memory: 1024 }
  }
}

it.effect("a report goes through JSON unchanged, with null where a number does not exist", () =>
  Effect.gen(function* () {
    const json = Schema.fromJsonString(Report)
    const text = yield* Schema.encodeEffect(json)(report)
    assert.deepStrictEqual(yield* Schema.decodeEffect(json)(text), report)
    assert.include(text, `"validationLoss":null`)
  })
)

it.effect("a number that is NaN cannot get into a report", () =>
  Effect.gen(function* () {
    const history = report.history.map((epoch) => ({ ...epoch, validationLoss: Number.NaN }))
    const result = yield* Effect.result(Schema.encodeUnknownEffect(Report)({ ...report, history }))
    assert.strictEqual(result._tag, "Failure")
  })
)

it("the test part has every metric, its classes by name", () => {
  const test = testReport(evaluation, labels)
  assert.strictEqual(test?.accuracy, 2 / 3)
  assert.strictEqual(test?.top5Accuracy, 2 / 3)
  assert.strictEqual(test?.micro.f1, 2 / 3)
  assert.deepStrictEqual(test?.perClass[5], { label: "skirt", precision: 0, recall: 0, f1: 0, support: 1 })
  assert.deepStrictEqual(test?.confusion[5], [1, 0, 0, 0, 0, 0])
  assert.closeTo(test?.balancedAccuracy ?? 0, 2 / 3, 1e-12)
  assert.isNotNull(test?.loss)
})

it("a test part without samples does not exist", () => {
  assert.isNull(testReport(Evaluation.measure(nothing), labels))
})
