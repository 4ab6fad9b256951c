import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { decodeModel } from "../../../src/model/Model.ts"
import { decodePredictions, encodePredictions } from "../../../src/model/StoredPredictions.ts"
import { evaluateRuns, measuredAlone } from "../../../src/run/evaluate/evaluateRuns.ts"
import type { FinishedRun } from "../../../src/run/evaluate/readEnsemble.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { verifyRun } from "../../../src/run/verify/verifyRun.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import type { EpochRecord, Report } from "../../../src/metrics/Report.ts"
import { interruptedAt, textIn, tinyConfig, tinyIds, tinyLayers } from "./tinyRun.ts"

/** Of each photo its kind, a size that is not always known, and tags, of which one comes too seldom. */
const rows = [
  ["id", "label", "size", "tags"],
  ...tinyIds.map((id, i) => [
    id,
    id.replace(/\d/, ""),
    i % 4 === 2 ? "" : ["small", "large"][i % 2]!,
    [
      ...(id.startsWith("cap") ? ["head"] : ["neck"]),
      ...(i % 3 === 0 ? ["warm"] : []),
      ...(i === 4 ? ["odd"] : [])
    ].join(";")
  ])
]
const columns = ["label", { column: "tags", separator: ";", weight: 2 }, { column: "size", weight: 0.5 }] as const
const configOf = (label: ReadonlyArray<unknown> = columns, more: object = {}) =>
  tinyConfig({
    data: {
      root: "shop",
      minPerClass: 3,
      split: { train: 0.4, validation: 0.3, test: 0.3, seed: 1 },
      columns: { label }
    },
    calibration: {},
    ...more
  })
/** What a test changes of a report. */
interface Changed {
  history: Array<{ validationColumns: { tags: { loss: number } } }>
  data: { columns: Array<{ known: number }> }
  test: { columns: { size: { accuracy: number }; tags: { perClass: [unknown, { threshold: number }] } } }
  calibration: { columns: { size: { temperature: number } } }
  unseenPairs: { flagged: number }
}
const layers = () => tinyLayers(rows)
const verify = (config: RunConfig) => verifyRun(config, { data: true, samples: Infinity })
const differing = ({ checks }: Effect.Success<ReturnType<typeof verify>>) =>
  checks.flatMap(({ status, what }) => (status === "differs" ? [what] : []))
const storedOf = Effect.fnUntraced(function* (part: "validation" | "test") {
  const file = `predictions/${part}.safetensors` as const
  return yield* decodePredictions(yield* RunFolder.use((folder) => folder.read(file)), file)
})
const modelBytes = RunFolder.use((folder) => folder.read("model/model.safetensors"))

describe("a run of several label columns", () => {
  it.effect("has the metrics of each, which are measured again and verified", () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      const report = yield* trainRun(config)
      const { calibration, data, history, test } = report
      assert.isNotNull(test)
      assert.deepStrictEqual(Object.keys(test.columns ?? {}), ["label", "tags", "size"])
      const { columns: own, ...first } = test
      assert.isDefined(own)
      assert.deepStrictEqual(own["label"], first)
      assert.deepStrictEqual(
        data.columns?.map(({ classes, name, values }) => [name, values, classes]),
        [
          ["label", "one", 2],
          // "odd" comes once only.
          ["tags", "several", 3],
          ["size", "one", 2]
        ]
      )
      for (const { empty, known, name, rare } of data.columns ?? [])
        assert.strictEqual(known + empty + rare, data.kept, name)
      assert.strictEqual(data.columns?.[2]?.empty, 3)
      // Rows whose size is not known count in the other columns alone.
      const stored = yield* storedOf("test")
      const unknown = stored.samples.filter(({ labels }) => labels?.[2] === null).length
      assert.isAbove(unknown, 0)
      assert.strictEqual(own["size"]?.samples, data.test - unknown)
      assert.strictEqual(own["label"]?.samples, data.test)
      assert.strictEqual(own["tags"]?.perClass.length, 3)
      assert.strictEqual(own["tags"]?.confusion.length, 0)
      assert.isNumber(own["tags"]?.hammingLoss)
      assert.isUndefined(own["size"]?.hammingLoss)
      assert.deepStrictEqual(Object.keys(calibration?.columns ?? {}), ["label", "tags", "size"])
      assert.strictEqual(calibration?.columns?.["label"]?.temperature, calibration?.temperature)

      for (const { validationAccuracy, validationColumns = {}, validationLoss } of history) {
        const { label, size, tags } = validationColumns
        const loss = (label?.loss ?? 0) + 2 * (tags?.loss ?? 0) + 0.5 * (size?.loss ?? 0)
        assert.approximately(validationLoss ?? 0, loss, 1e-9)
        const accuracy = ((label?.accuracy ?? 0) + (tags?.accuracy ?? 0) + (size?.accuracy ?? 0)) / 3
        assert.approximately(validationAccuracy ?? 0, accuracy, 1e-12)
      }
      // It learns: the kinds are told apart by their colour.
      assert.isBelow(history.at(-1)?.trainLoss ?? Infinity, history[0]?.trainLoss ?? 0)

      const model = yield* decodeModel(yield* modelBytes, "model")
      assert.deepStrictEqual(
        model.columns?.map(({ name, temperature, thresholds }) => [name, temperature, thresholds?.length]),
        [
          ["label", calibration?.temperature, undefined],
          ["tags", calibration?.columns?.["tags"]?.temperature, 3],
          ["size", calibration?.columns?.["size"]?.temperature, undefined]
        ]
      )
      assert.deepStrictEqual(
        model.seenTogether?.map(({ columns }) => columns),
        [[0, 2]]
      )
      assert.strictEqual(report.unseenPairs?.samples, data.test)

      const folder = yield* RunFolder
      const again = measuredAlone(yield* evaluateRuns([{ config, folder }], "test"))
      assert.deepStrictEqual(again?.report, test)
      assert.deepStrictEqual(again?.calibration, { temperature: calibration!.temperature, ...calibration!.test! })
      assert.deepStrictEqual(again?.calibrationColumns?.["size"], calibration?.columns?.["size"]?.test)

      const verified = yield* verify(config)
      assert.deepStrictEqual(
        verified.checks.filter(({ status }) => status !== "agrees"),
        []
      )
      assert.include(
        verified.checks.map(({ what }) => what),
        "thresholds"
      )
    }).pipe(Effect.provide(layers()))
  )

  it.effect("goes on after an interruption as if there had been none, bit for bit", () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      const plain = (history: ReadonlyArray<EpochRecord>) =>
        history.map(({ trainAccuracy, trainLoss, validationAccuracy, validationColumns, validationLoss }) => ({
          trainAccuracy,
          trainLoss,
          validationAccuracy,
          validationColumns,
          validationLoss
        }))
      const whole = yield* trainRun(config)
      const weights = yield* modelBytes
      const predictions = yield* storedOf("test")
      yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 2, step: 1 })
        const report = yield* trainRun(config)
        assert.deepStrictEqual(plain(report.history), plain(whole.history))
        assert.deepStrictEqual(report.test, whole.test)
        assert.deepStrictEqual(yield* modelBytes, weights)
        assert.deepStrictEqual(yield* storedOf("test"), predictions)
      }).pipe(Effect.provide(Layer.fresh(layers())))
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is found to differ wherever a column of it was changed", () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      yield* trainRun(config)
      const folder = yield* RunFolder
      const report: Report = JSON.parse(yield* textIn("report.json"))
      const reported = Effect.fnUntraced(function* (change: (report: Changed) => void) {
        const copy: Changed = JSON.parse(JSON.stringify(report))
        change(copy)
        yield* folder.write("report.json", JSON.stringify(copy))
        const found = differing(yield* verify(config))
        yield* folder.write("report.json", JSON.stringify(report))
        return found
      })
      const metrics = yield* reported(({ test }) => (test.columns.size.accuracy = 0.123))
      assert.deepStrictEqual(metrics, ["test metrics"])
      const threshold = yield* reported(({ test }) => (test.columns.tags.perClass[1].threshold = 0.01))
      assert.includeMembers(threshold, ["model", "thresholds"])
      const temperature = yield* reported(({ calibration }) => (calibration.columns.size.temperature *= 2))
      assert.includeMembers(temperature, ["model", "calibration"])
      const history = yield* reported((report) => {
        for (const { validationColumns } of report.history) validationColumns.tags.loss += 1
      })
      assert.includeMembers(history, ["history", "validation metrics"])
      const pairs = yield* reported(({ unseenPairs }) => (unseenPairs.flagged += 1))
      assert.deepStrictEqual(pairs, ["test metrics"])
      const counts = yield* reported(({ data }) => (data.columns[1]!.known += 1))
      assert.deepStrictEqual(counts, ["columns"])

      // A label of the last column, and a logit of it.
      const file = "predictions/test.safetensors"
      const stored = yield* storedOf("test")
      const bytes = yield* folder.read(file)
      const row = stored.samples.findIndex(({ labels }) => labels?.[2] !== null)
      const samples = stored.samples.map((sample, i) =>
        i === row
          ? { ...sample, labels: [...sample.labels!.slice(0, 2), sample.labels![2]![0] === 0 ? [1] : [0]] }
          : sample
      )
      yield* folder.write(file, encodePredictions({ ...stored, samples }))
      assert.includeMembers(differing(yield* verify(config)), ["files", "test metrics", "test samples"])
      const logits = stored.logits.slice()
      logits[row * 7 + 6] = logits[row * 7 + 6]! + 3
      yield* folder.write(file, encodePredictions({ ...stored, logits }))
      const verified = yield* verify(config)
      assert.includeMembers(differing(verified), ["files", "test metrics", "test predictions"])
      const [where] = verified.checks.find(({ what }) => what === "test predictions")?.differences ?? []
      assert.match(where?.at ?? "", /\.size\.(large|small)$/)
      yield* folder.write(file, bytes)
      assert.deepStrictEqual(differing(yield* verify(config)), [])
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is measured on the image and its mirror image where configured, and again with the same result", () =>
    Effect.gen(function* () {
      const config = yield* configOf(columns, { evaluate: { tta: "flip" } })
      const { test } = yield* trainRun(config)
      const folder = yield* RunFolder
      const again = measuredAlone(yield* evaluateRuns([{ config, folder }], "test"))
      assert.deepStrictEqual(again?.report, test)
      const once = yield* evaluateRuns([{ config: { ...config, evaluate: { tta: "none" } }, folder }], "test")
      for (const name of ["label", "tags", "size"])
        assert.notStrictEqual(measuredAlone(once)?.report?.columns?.[name]?.loss, test?.columns?.[name]?.loss)
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is measured with others that have the same columns, in any order, and with no others", () =>
    Effect.gen(function* () {
      const runOf = Effect.fnUntraced(function* (path: string, label: ReadonlyArray<unknown>, seed: number) {
        const memory = yield* Effect.provide(RunFolder, Layer.fresh(RunFolder.layerMemory))
        const folder = RunFolder.of({ ...memory, path })
        const config = yield* configOf(label, { seed })
        const report = yield* trainRun(config).pipe(
          Effect.provideService(RunFolder, folder),
          Effect.provide(Layer.fresh(Checkpoints.layerMemory(2)))
        )
        const run: FinishedRun = { config, folder }
        return { run, report }
      })
      const one = yield* runOf("one", columns, 1)
      // The first column stays, as it divides the samples.
      const two = yield* runOf("two", [columns[0], columns[2], columns[1]], 2)
      const { members, report } = yield* evaluateRuns([one.run, two.run], "test")
      const [first, second] = members
      assert.deepStrictEqual(Object.keys(report?.columns ?? {}), ["label", "tags", "size"])
      for (const [member, { test }] of [
        [first, one.report],
        [second!, two.report]
      ] as const)
        for (const name of ["label", "tags", "size"]) {
          const own = test?.columns?.[name]
          assert.strictEqual(member.columns?.[name]?.accuracy, own?.accuracy)
          assert.approximately(member.columns?.[name]?.loss ?? 0, own?.loss ?? 9, 1e-6)
          // The mean of probabilities is never worse than the mean of the losses.
          const together = report?.columns?.[name]?.loss ?? 9
          const mean =
            ((one.report.test?.columns?.[name]?.loss ?? 0) + (two.report.test?.columns?.[name]?.loss ?? 0)) / 2
          assert.isAtMost(together, mean + 1e-6)
        }
      const turned = yield* evaluateRuns([two.run, one.run], "test")
      assert.deepStrictEqual(Object.keys(turned.report?.columns ?? {}), ["label", "size", "tags"])
      for (const name of ["label", "tags", "size"])
        assert.approximately(turned.report?.columns?.[name]?.loss ?? 0, report?.columns?.[name]?.loss ?? 9, 1e-6)

      const fewer = yield* runOf("fewer", columns.slice(0, 2), 1)
      const error = yield* Effect.flip(evaluateRuns([one.run, fewer.run], "test"))
      assert.match(
        error.message,
        /label columns differ from those of one: one has "label", "size", "tags" \(several values\), and fewer has "label", "tags"/
      )
    }).pipe(Effect.provide(layers()))
  )
})
