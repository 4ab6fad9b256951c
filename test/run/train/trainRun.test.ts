import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { initialise } from "../../../src/model/initialise.ts"
import { decodeModel } from "../../../src/model/Model.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { metricsOf } from "../../../src/model/measure.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { decodePredictions, numbersOf } from "../../../src/model/StoredPredictions.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import type { Part } from "../../../src/run/evaluate/commonSamples.ts"
import { evaluateRuns, measuredAlone } from "../../../src/run/evaluate/evaluateRuns.ts"
import { findLearningRate } from "../../../src/run/train/findLearningRate.ts"
import { inspectData } from "../../../src/run/inspect/inspectData.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { predictFiles } from "../../../src/run/predict/predictFiles.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { imagePaths } from "../../imagePaths.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { testReport } from "../../../src/metrics/Report.ts"

const size = { height: 48, width: 50 }
const kinds = ["cap", "scarf"]
const table = [
  ["id", "label"],
  ...kinds.flatMap((kind) => Array.from({ length: 7 }, (_, i) => [`${kind}${i}`, kind])),
  ["lone", "glove"],
  ["gone", "cap"],
  ["cap0", "cap"]
]
const photos = new Map(
  table.slice(1).flatMap(([id = "", kind = ""]) => {
    if (id === "gone") return []
    const random = draw("trainRun test", id)
    const data = Uint8Array.from(
      { length: size.height * size.width * 3 },
      (_, i) => random.below(90) + (i % 3 === kinds.indexOf(kind) ? 150 : 0)
    )
    return [[`shop/images/${id}.jpg`, { ...size, data }] as const]
  })
)

/** Weights as of a file; another seed than the run's. */
const trained = initialise(simpleCnn.build({ ...size, classes: kinds.length }), 99)

/** Every stage from memory: no file, no package but Effect. */
const layers = Layer.mergeAll(
  Rows.layerMemory(new Map([["shop/styles.csv", table]])),
  Images.layerMemory(photos),
  Augment.layer,
  SampleCatalogue.layerAt("nowhere"),
  Engines.layerOf(ReferenceEngine.layer),
  Machine.layerTest,
  Pretrained.layerMemory({ trained: { metadata: {}, tensors: trained } }),
  FeatureCache.layerMemory,
  OnnxFeatures.layer,
  Products.layerPlain,
  RunFolder.layerMemory,
  Checkpoints.layerMemory(2)
)

const raw = {
  data: { root: "shop", minPerClass: 3, maxRefused: 0.2, split: { train: 0.6, validation: 0.2, test: 0.2 } },
  image: size,
  train: { epochs: 2, batchSize: 4 }
}
const config = decodeRunConfig(raw, "test")

/** What is measured again of the run in the folder. */
const measuredAgain = Effect.fnUntraced(function* (config: RunConfig, part: Part) {
  const measured = yield* evaluateRuns([{ config, folder: yield* RunFolder }], part)
  const alone = measuredAlone(measured)
  assert.isDefined(alone)
  return alone
})

/** The stored predictions of a part of the run in the folder. */
const storedOf = Effect.fnUntraced(function* (part: "validation" | "test") {
  const file = `predictions/${part}.safetensors` as const
  return yield* decodePredictions(yield* RunFolder.use((folder) => folder.read(file)), file)
})

describe("a whole run", () => {
  it.effect("goes from rows to a report that adds up, with every stage in memory", () =>
    Effect.gen(function* () {
      const report = yield* trainRun(yield* config)
      assert.deepStrictEqual(report.receipt.ledger, {
        listed: 17,
        kept: 14,
        refused: { duplicateId: 1, imageMissing: 1 },
        leftOut: { classTooSmall: 1 }
      })
      assert.strictEqual(report.data.train + report.data.validation + report.data.test, 14)
      assert.strictEqual(report.history.length, 2)
      assert.deepStrictEqual(
        report.data.perClass!.map(({ label, leftOut, listed, test, train, validation }) => [
          label,
          listed,
          train + validation + test,
          leftOut
        ]),
        [
          ["cap", 9, 7, 0],
          ["scarf", 7, 7, 0],
          ["glove", 1, 0, 1]
        ]
      )
      const steps = new TextDecoder().decode(yield* RunFolder.use((folder) => folder.read("steps.jsonl")))
      assert.strictEqual(steps.trimEnd().split("\n").length, 2 * Math.ceil(report.data.train / 4))
      assert.strictEqual(report.engine.name, "reference")
      const again = yield* measuredAgain(yield* config, "test")
      assert.deepStrictEqual(again.report, report.test)
      assert.strictEqual(again.dataDigest, report.receipt.dataDigest)
    }).pipe(Effect.provide(layers))
  )

  it.effect("keeps the model's predictions for validation and test, from which the report's metrics follow", () =>
    Effect.gen(function* () {
      const report = yield* trainRun({
        ...(yield* config),
        evaluate: { tta: "flip" },
        calibration: { kind: "temperature", bins: 7 }
      }).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      const { bins, temperature, test: calibrated, validation: fittedOn } = report.calibration!
      const test = yield* storedOf("test")
      const again = metricsOf(numbersOf(test), { bins, temperature })
      assert.deepStrictEqual(testReport(again.evaluation, test.labels), report.test)
      assert.deepStrictEqual(again.calibration, calibrated)
      const validation = yield* storedOf("validation")
      assert.strictEqual(validation.samples.length, report.data.validation)
      assert.deepStrictEqual(metricsOf(numbersOf(validation), { bins, temperature }).calibration, fittedOn)
      const { digest, file, id, label } = test.samples[0]!
      assert.deepStrictEqual(
        { file, digest, label: test.labels[label] },
        { file: `images/${id}.jpg`, digest: `shop/images/${id}.jpg`, label: id.replace(/\d/, "") }
      )
      const tested = new Set(test.samples.map(({ id }) => id))
      assert.isFalse(validation.samples.some(({ id }) => tested.has(id)))
    }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect.each(["onnxruntime", "engine"])("changes no bit of what is frozen, applied by %s", (engine) =>
    Effect.gen(function* () {
      const report = yield* trainRun(
        yield* decodeRunConfig(
          { ...raw, network: { weights: "trained", trainable: { from: "fc1" } }, features: { engine } },
          "test"
        )
      )
      const { weights } = yield* decodeModel(
        yield* RunFolder.use((folder) => folder.read("model/model.safetensors")),
        ""
      )
      for (const [name, { data }] of trained)
        if (name.startsWith("conv")) assert.deepStrictEqual(weights.get(name)!.data, data, name)
        else assert.notDeepEqual(weights.get(name)!.data, data, name)
      const { parameters, trainableParameters } = report.model
      const frozen = [...trained].filter(([name]) => name.startsWith("conv"))
      assert.strictEqual(
        parameters - trainableParameters,
        frozen.reduce((sum, [, { data }]) => sum + data.length, 0)
      )
      // The stored model is the whole network: it gives the metrics that the two parts gave together.
      const again = yield* measuredAgain(yield* config, "test")
      assert.approximately(again.report!.loss!, report.test!.loss!, 1e-4)
      assert.deepStrictEqual(again.report!.confusion, report.test!.confusion)
      assert.match(report.receipt.weightsDigest!, /^[0-9a-f]{64}$/)
    }).pipe(
      Effect.provide([Layer.fresh(RunFolder.layerMemory), Layer.fresh(Checkpoints.layerMemory(2))]),
      Effect.provide(layers)
    )
  )

  it.effect(
    "averages over the mirror image and calibrates where configured, and the stored model gives the same predictions",
    () =>
      Effect.gen(function* () {
        const plain = yield* config
        const report = yield* trainRun({
          ...plain,
          train: { ...plain.train, epochs: 1, learningRate: 1e-6 },
          evaluate: { tta: "flip" },
          calibration: { kind: "temperature", bins: 7 }
        }).pipe(Effect.provide(Checkpoints.layerMemory(2)))
        const { bins, temperature, test, validation } = report.calibration!
        assert.strictEqual(bins, 7)
        assert.strictEqual(validation.binsAfter.length, 7)
        assert.notStrictEqual(temperature, 1)
        assert.isAtMost(validation.lossAfter!, validation.lossBefore!)
        assert.approximately(report.test!.loss!, test!.lossAfter!, 1e-9)
        const twice = {
          ...plain,
          evaluate: { tta: "flip" as const },
          calibration: { kind: "temperature" as const, bins: 7 }
        }
        const again = yield* measuredAgain(twice, "test")
        assert.deepStrictEqual(again.report, report.test)
        assert.deepStrictEqual(again.calibration, { temperature, ...test! })
        const once = yield* measuredAgain(plain, "test")
        assert.notStrictEqual(once.report?.loss, report.test?.loss)
        assert.strictEqual(once.calibration?.binsAfter.length, 15)
        const said = Effect.fnUntraced(function* (config: typeof plain) {
          const { predictions } = yield* predictFiles(
            [{ config, folder: yield* RunFolder }],
            imagePaths(["shop/images/cap3.jpg"]),
            { top: 2 }
          )
          return yield* Stream.runCollect(predictions)
        }, Effect.scoped)
        const [first] = yield* said(twice)
        const [other] = yield* said(plain)
        assert.notDeepEqual(first, other)
      }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect(
    "is preceded by a sweep of learning rates, which ends early where the loss blows up and keeps nothing",
    () =>
      Effect.gen(function* () {
        const found = yield* findLearningRate(yield* config, { from: 1e-6, to: 1e-3, steps: 6 })
        assert.strictEqual(found.curve.length, 6)
        assert.isFalse(found.stoppedEarly)
        assert.approximately(found.curve[5]!.learningRate, 1e-3, 1e-15)
        assert.isTrue(found.curve.some(({ learningRate }) => learningRate === found.suggestions.valley))
        const wild = yield* findLearningRate(yield* config, { from: 1e-3, to: 1e4, steps: 8 })
        assert.isTrue(wild.stoppedEarly)
        assert.isBelow(wild.curve.length, 8)
        const folder = yield* RunFolder
        assert.isFalse(yield* folder.has("config.json"))
      }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect("is looked at beforehand with the same counts", () =>
    Effect.gen(function* () {
      const found = yield* inspectData(yield* config)
      assert.strictEqual(found.kept, 14)
      assert.deepStrictEqual(
        found.classes.map(({ label, test, train, validation }) => [label, train + validation + test]),
        [
          ["cap", 7],
          ["scarf", 7]
        ]
      )
      assert.deepStrictEqual(found.classesLeftOut, [{ label: "glove", count: 1 }])
      assert.deepStrictEqual(found.images.sizes, [{ size: "50x48", count: 14 }])
    }).pipe(Effect.provide(layers))
  )
})
