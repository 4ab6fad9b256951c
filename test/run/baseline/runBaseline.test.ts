import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as OnnxProducts from "../../../src/layers/features/OnnxProducts.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { baselineText } from "../../../src/cli/baselineText.ts"
import { runBaseline } from "../../../src/run/baseline/runBaseline.ts"
import { predictFiles } from "../../../src/run/predict/predictFiles.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Neighbours, openNeighbours, similarFiles } from "../../../src/run/similar/Neighbours.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { imagePaths } from "../../imagePaths.ts"
import { dinov2, width } from "../../model/onnx/files.ts"
import { tinyConfig, tinyIds, tinyLayers } from "../train/tinyRun.ts"

const metadata = { mean: "0.4,0.5,0.6", std: "0.2,0.25,0.3" }
const layersOf = (rows?: ReadonlyArray<ReadonlyArray<string>>) =>
  Layer.mergeAll(
    tinyLayers(rows),
    OnnxProducts.layer,
    Pretrained.layerMemory({ "vision.onnx": { metadata, tensors: new Map(), graph: dinov2() } })
  )
const layers = layersOf()
const config = tinyConfig({ network: { name: "onnx", weights: "vision.onnx", pool: "cls" } })

/** The tiny catalogue with tags, and with a side of all photos but every third. */
const withSides = [
  ["id", "label", "tags", "side"],
  ...tinyIds.map((id, i) => [
    id,
    id.replace(/\d+$/, ""),
    i % 2 === 0 ? "new;warm" : "warm",
    ["", "left", "right"][i % 3] ?? ""
  ])
]

describe("a baseline", () => {
  it.effect("measures both classifiers of the features, and leaves no run", () =>
    Effect.gen(function* () {
      const found = yield* runBaseline(yield* config)
      assert.strictEqual(found.features, width)
      assert.deepStrictEqual(
        found.logistic.tried.map(({ strength }) => strength),
        [0.1, 0.03, 0.01, 0.003, 0.001]
      )
      assert.strictEqual(found.logistic.tried.filter(({ isChosen }) => isChosen).length, 1)
      assert.isTrue(found.logistic.tried.every(({ isConverged }) => isConverged))
      // The kinds differ by their colour, which the features show.
      assert.strictEqual(found.logistic.test?.accuracy, 1)
      assert.strictEqual(found.nearest.test?.accuracy, 1)
      const text = baselineText(found)
      for (const word of ["nearest photos", "logistic regression", "100.0 %", "Kornblith"]) assert.include(text, word)
      assert.isFalse(yield* (yield* RunFolder).has("config.json"))
    }).pipe(Effect.provide(layers))
  )

  it.effect("measures each label column on the images whose class is known there, and no tags", () =>
    Effect.gen(function* () {
      const run = yield* tinyConfig({
        network: { name: "onnx", weights: "vision.onnx", pool: "cls" },
        data: {
          root: "shop",
          minPerClass: 3,
          split: { train: 0.6, validation: 0.2, test: 0.2 },
          columns: { label: ["label", { column: "tags", separator: ";" }, "side"] }
        }
      })
      const found = yield* runBaseline(run)
      assert.deepStrictEqual(Object.keys(found.columns ?? {}), ["label", "side"])
      const [label, side] = [found.columns?.["label"], found.columns?.["side"]]
      if (label === undefined || side === undefined) return assert.fail("a column is missing")
      assert.strictEqual(label.train + label.validation + label.test, tinyIds.length)
      // Every third photo has no side.
      assert.strictEqual(side.train + side.validation + side.test, tinyIds.filter((_, i) => i % 3 !== 0).length)
      assert.strictEqual(side.classes, 2)
      assert.strictEqual(label.logistic.test?.accuracy, 1)
      assert.deepStrictEqual(found.logistic, label.logistic)
      assert.strictEqual(found.data.train, label.train)
      const text = baselineText(found)
      assert.include(text, "label: Test (")
      assert.include(text, "side: Test (")
      assert.notInclude(text, "tags")
    }).pipe(Effect.provide(layersOf(withSides)))
  )

  it.effect("is refused where no column has one value in a cell", () =>
    Effect.gen(function* () {
      const run = yield* tinyConfig({
        network: { name: "onnx", weights: "vision.onnx", pool: "cls" },
        data: { root: "shop", minPerClass: 3, columns: { label: [{ column: "tags", separator: ";" }] } }
      })
      assert.include((yield* Effect.flip(runBaseline(run))).message, "data.columns.label")
    }).pipe(Effect.provide(layersOf(withSides)))
  )

  it.effect("is refused without trained weights", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(runBaseline(yield* tinyConfig()))
      assert.include(error.message, "network.weights")
    }).pipe(Effect.provide(layers))
  )
})

describe("the training photos that are like a photo", () => {
  it.effect("are of its own kind, or of the class that is asked for, and a training photo is most like itself", () =>
    Effect.gen(function* () {
      const run = yield* config
      yield* trainRun(run)
      const folder = yield* RunFolder
      const model = yield* readModel(folder)
      const neighbours = yield* openNeighbours(run, folder, model)
      const paths = ["shop/images/cap0.jpg", "shop/images/scarf3.jpg", "shop/images/none.jpg"]
      const of = (label?: string) =>
        Stream.runCollect(similarFiles({ ...run, image: model.image }, imagePaths(paths), { count: 3, label })).pipe(
          Effect.provideService(Neighbours, neighbours)
        )
      const [cap, scarf, none] = yield* of()
      assert.isTrue(cap !== undefined && "similar" in cap && cap.similar.every(({ label }) => label === "cap"))
      assert.isTrue(scarf !== undefined && "similar" in scarf && scarf.similar.every(({ label }) => label === "scarf"))
      assert.isTrue(none !== undefined && "error" in none)
      const [other] = yield* of("scarf")
      assert.isTrue(other !== undefined && "similar" in other)
      if (other !== undefined && "similar" in other) {
        assert.deepStrictEqual([...new Set(other.similar.map(({ label }) => label))], ["scarf"])
        assert.strictEqual(other.similar.length, 3)
      }
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.effect("have features that predictions give as well, a row for each image that was read", () =>
    Effect.gen(function* () {
      const run = yield* config
      yield* trainRun(run)
      const rows: Array<readonly [string, number]> = []
      const paths = ["shop/images/cap0.jpg", "shop/images/none.jpg", "shop/images/scarf3.jpg"]
      const { predictions } = yield* predictFiles([{ config: run, folder: yield* RunFolder }], imagePaths(paths), {
        top: 1,
        embeddings: (path, features) => Effect.sync(() => void rows.push([path, features.length]))
      })
      assert.strictEqual((yield* Stream.runCollect(predictions)).length, 3)
      assert.deepStrictEqual(rows, [
        ["shop/images/cap0.jpg", width],
        ["shop/images/scarf3.jpg", width]
      ])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
