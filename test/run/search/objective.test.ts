import { assert, describe, it } from "@effect/vitest"
import type { EpochRecord, Report } from "../../../src/metrics/Report.ts"
import {
  chosenRecord,
  epochValue,
  goalProblem,
  isEpochMetric,
  rank,
  reportValue
} from "../../../src/run/search/objective.ts"

const record = (
  epoch: number,
  validationLoss: number | null,
  validationAccuracy: number | null = 0.5
): EpochRecord => ({
  epoch,
  trainLoss: epoch / 8,
  trainAccuracy: 0.25,
  validationLoss,
  validationAccuracy,
  learningRate: 0.01,
  imagesPerSecond: 100,
  seconds: 7
})
const score = { precision: 0.1, recall: 0.2, f1: 0.3 }
const report: Report = {
  data: { listed: 9, kept: 9, refused: {}, classes: 2, train: 5, validation: 2, test: 2 },
  model: { network: "simple-cnn", head: null, parameters: 11, trainableParameters: 11 },
  history: [record(1, 0.4), record(2, 0.3), record(3, 0.35)],
  chosenEpoch: 2,
  test: {
    loss: 0.6,
    accuracy: 0.7,
    top5Accuracy: null,
    balancedAccuracy: 0.5,
    cohenKappa: 0.5,
    matthews: 0.5,
    weighted: { ...score, f1: 0.71 },
    macro: score,
    micro: score,
    perClass: [],
    confusion: []
  },
  engine: { name: "reference", device: "cpu", versions: {} },
  seconds: 21,
  receipt: {
    dataDigest: "",
    configDigest: "",
    ledger: { listed: 9, kept: 9, refused: {} },
    versions: {},
    seeds: {},
    machine: { platform: "", arch: "", cpus: 2, memory: 3 }
  }
}

describe("an objective", () => {
  it("is a metric of the chosen epoch by its short name, or any number of the report by its path", () => {
    const figures = ["validationLoss", "trainLoss", "test.weighted.f1", "test.loss", "model.parameters", "seconds"]
    assert.deepStrictEqual(
      figures.map((metric) => reportValue(report, { metric })),
      [0.3, 0.25, 0.71, 0.6, 11, 21]
    )
  })

  it("is of one label column where it names one, and of a run's only column in the places of the whole", () => {
    const of = (loss: number, accuracy: number) => ({ loss, accuracy })
    const columns = { colour: of(0.2, 0.9), tags: of(0.1, 0.4) }
    const test = report.test!
    const several: Report = {
      ...report,
      history: report.history.map((epoch) => ({ ...epoch, validationColumns: columns })),
      test: { ...test, columns: { colour: { ...test, accuracy: 0.8 }, tags: { ...test, accuracy: 0.3 } } }
    }
    const value = (metric: string, column?: string) =>
      reportValue(several, { metric, ...(column !== undefined && { column }) })
    assert.strictEqual(value("validationLoss", "tags"), 0.1)
    assert.strictEqual(value("validationAccuracy", "colour"), 0.9)
    assert.strictEqual(value("test.accuracy", "tags"), 0.3)
    assert.strictEqual(value("validationLoss"), 0.3)
    assert.strictEqual(value("test.accuracy"), 0.7)
    assert.isNull(value("test.accuracy", "season"))
    assert.isNull(value("validationLoss", "season"))
    assert.strictEqual(reportValue(report, { metric: "test.accuracy", column: "colour" }), 0.7)
    assert.strictEqual(reportValue(report, { metric: "validationLoss", column: "colour" }), 0.3)
    assert.match(goalProblem({ metric: "trainLoss", goal: "min", column: "colour" }) ?? "", /each label column has/)
    assert.isUndefined(goalProblem({ metric: "validationAccuracy", goal: "max", column: "colour" }))
  })

  it("is null where a report has no such number", () => {
    assert.isNull(reportValue(report, { metric: "test.top5Accuracy" }))
    assert.isNull(reportValue(report, { metric: "calibration.validation.eceAfter" }))
    assert.isNull(reportValue({ ...report, test: null }, { metric: "test.accuracy" }))
    assert.isNull(reportValue({ ...report, chosenEpoch: 9 }, { metric: "validationLoss" }))
    assert.isNull(epochValue(record(1, null), { metric: "validationLoss" }))
    assert.isNull(epochValue(undefined, { metric: "trainLoss" }))
  })

  it("knows which numbers every epoch has: `seconds` are the run's", () => {
    assert.isTrue(["validationLoss", "trainAccuracy"].every(isEpochMetric))
    assert.isFalse(["seconds", "test.loss", "chosenEpoch", "toString"].some(isEpochMetric))
  })

  it("has a goal that makes sense for the metric, where only one does", () => {
    const wrong = (["min", "max"] as const).map((goal) =>
      [
        "test.loss",
        "calibration.test.eceAfter",
        "test.macro.recall",
        "calibration.test.lossAfter",
        "chosenEpoch",
        "model.parameters"
      ].map((metric) => goalProblem({ metric, goal }) === undefined)
    )
    assert.deepStrictEqual(wrong, [
      [true, true, false, true, true, true],
      [false, false, true, false, true, true]
    ])
  })
})

describe("the chosen epoch's record", () => {
  const history = [record(1, 0.4, 0.8), record(2, 0.3, 0.6), record(3, 0.29, 0.8), record(4, 0.5, 0.9)]
  const epoch = (config: Parameters<typeof chosenRecord>[0]) => chosenRecord(config, history)?.epoch

  it("is the last one or the best by the monitored metric, as configured", () => {
    assert.strictEqual(epoch({ select: "last", monitor: "validationLoss" }), 4)
    assert.strictEqual(epoch({ select: "best", monitor: "validationLoss" }), 3)
    assert.strictEqual(epoch({ select: "best", monitor: "validationAccuracy" }), 4)
    assert.strictEqual(
      epoch({ select: "last", monitor: "validationLoss", earlyStopping: { patience: 5, minDelta: 0.05 } }),
      2
    )
  })

  it("is the last one where nothing was validated, and none before the first epoch's end", () => {
    const config = { select: "best", monitor: "validationLoss" } as const
    assert.strictEqual(chosenRecord(config, [record(1, null), record(2, null)])?.epoch, 2)
    assert.isUndefined(chosenRecord(config, []))
  })
})

describe("rank", () => {
  it("puts the best first, ties in their order, and those without an objective last", () => {
    const items = [3, null, 1, Number.NaN, 3, 2].map((metric, i) => ({ metric, i }))
    const order = (goal: "min" | "max") => rank(items, goal).map(({ i }) => i)
    assert.deepStrictEqual(order("min"), [2, 5, 0, 4, 1, 3])
    assert.deepStrictEqual(order("max"), [0, 4, 5, 2, 1, 3])
  })
})
