import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import * as Pipeline from "../../../src/pipeline/Pipeline.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { LabelNoiseFile } from "../../../src/run/labelNoise/LabelNoise.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { interruptedAt, textIn, tinyConfig } from "../train/tinyRun.ts"
import { flipped, sharedCache, shopConfig, shopLayers, shopRows, sidedConfig, turned } from "./shop.ts"

const noise = Effect.flatMap(textIn("label-noise.json"), Schema.decodeEffect(LabelNoiseFile))

const weights = Effect.gen(function* () {
  const { weights } = yield* readModel(yield* RunFolder)
  return [...weights].map(([name, { data }]) => [name, [...data]] as const)
})

/** Products that cannot be had: whoever asks for one fails. */
const noProducts = Layer.effect(
  Products,
  Effect.succeed({
    multiply: () => Effect.die(new Error("a product was computed")),
    softmaxLoss: () => Effect.die(new Error("a loss was computed")),
    largest: () => Effect.die(new Error("neighbours were computed"))
  })
)

describe("a run with `train.labelNoise`", () => {
  it.effect("softens the flipped training labels, and lists them with what was predicted instead", () =>
    Effect.gen(function* () {
      const report = yield* trainRun(yield* shopConfig({ labelNoise: { most: 0.1 } }))
      const { columns, rows } = yield* noise
      assert.deepStrictEqual(rows.map(({ id }) => id).toSorted(), flipped)
      for (const { column, id, label, labelProbability, predicted, predictedProbability, treatment } of rows) {
        const row = shopRows.find((one) => one.id === id)
        assert.deepStrictEqual([column, label, predicted], ["label", row?.label, row?.kind])
        assert.isBelow(labelProbability, predictedProbability)
        assert.strictEqual(treatment, "softened")
      }
      assert.deepStrictEqual(report.labelNoise, {
        treatment: "softened",
        columns: [{ name: "label", labels: 60, found: 4, treated: 4 }]
      })
      assert.strictEqual(columns[0]?.judged, 60)
      assert.strictEqual(report.data.train, 60)
      assert.property(report.receipt.files, "label-noise.json")
    }).pipe(Effect.provide(shopLayers()))
  )

  it.effect("treats no more labels than `most` allows, the least probable first", () =>
    Effect.gen(function* () {
      yield* trainRun(yield* shopConfig({ labelNoise: { most: 0.05, treat: "leave-out" } }))
      const { columns, rows } = yield* noise
      assert.strictEqual(rows.length, 3)
      assert.strictEqual(columns[0]?.found, 4)
      const probabilities = rows.map(({ labelProbability }) => labelProbability)
      assert.deepStrictEqual(
        probabilities,
        probabilities.toSorted((a, b) => a - b)
      )
    }).pipe(Effect.provide(shopLayers()))
  )

  for (const treat of ["soften", "leave-out"] as const)
    it.effect(`learns nothing from the labels of the other parts (${treat})`, () =>
      Effect.gen(function* () {
        const config = yield* shopConfig({ labelNoise: { most: 0.1, treat } })
        const trained = Effect.gen(function* () {
          yield* trainRun(config)
          return { rows: (yield* noise).rows, weights: yield* weights }
        })
        // Validation and test labels move on by one photo each.
        const rows = shopRows.map((row, i) =>
          row.part === "train" ? row : { ...row, label: shopRows[(i + 20) % shopRows.length]?.kind ?? row.label }
        )
        assert.notDeepEqual(rows, shopRows)
        const own = yield* Effect.provide(trained, shopLayers())
        assert.deepStrictEqual(yield* Effect.provide(trained, shopLayers(rows)), own)
        const isTrained = new Set(shopRows.flatMap(({ id, part }) => (part === "train" ? [id] : [])))
        assert.isTrue(own.rows.every(({ id }) => isTrained.has(id)))
        // Without the treatment it learns something else.
        const plain = yield* Effect.gen(function* () {
          yield* trainRun(yield* shopConfig())
          return yield* weights
        }).pipe(Effect.provide(shopLayers()))
        assert.notDeepEqual(plain, own.weights)
      })
    )

  it.effect("is trained as if the left-out rows were not in the list", () =>
    Effect.gen(function* () {
      const noisy = yield* Effect.gen(function* () {
        yield* trainRun(yield* shopConfig({ labelNoise: { most: 0.1, treat: "leave-out" } }))
        return yield* weights
      }).pipe(Effect.provide(shopLayers()))
      const without = yield* Effect.gen(function* () {
        yield* trainRun(yield* shopConfig())
        return yield* weights
      }).pipe(Effect.provide(shopLayers(shopRows.filter(({ id }) => !flipped.includes(id)))))
      assert.deepStrictEqual(noisy, without)
    })
  )

  it.effect("is trained as if the labels were corrected where the predicted class has all of the target", () =>
    Effect.gen(function* () {
      const relabelled = yield* Effect.gen(function* () {
        yield* trainRun(yield* shopConfig({ labelNoise: { most: 0.1, predictedShare: 1 } }))
        return yield* weights
      }).pipe(Effect.provide(shopLayers()))
      const corrected = yield* Effect.gen(function* () {
        yield* trainRun(yield* shopConfig())
        return yield* weights
      }).pipe(Effect.provide(shopLayers(shopRows.map((row) => ({ ...row, label: row.kind })))))
      assert.deepStrictEqual(relabelled, corrected)
    })
  )

  it.effect("goes on to the same bits, and judges no label again", () =>
    Effect.gen(function* () {
      const config = yield* shopConfig({ labelNoise: { most: 0.1 } }, { features: { cache: false } })
      const whole = yield* Effect.gen(function* () {
        yield* trainRun(config)
        return { noise: yield* noise, weights: yield* weights }
      }).pipe(Effect.provide(shopLayers()))
      yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 2, step: 3 })
        const begun = yield* noise
        yield* trainRun(config).pipe(Effect.provide(noProducts))
        assert.deepStrictEqual(yield* noise, begun)
        assert.deepStrictEqual({ noise: begun, weights: yield* weights }, whole)
      }).pipe(Effect.provide(shopLayers()))
    })
  )

  it.effect("is judged once: a second run of the same photos and labels reads it from the cache", () =>
    Effect.gen(function* () {
      const cache = yield* FeatureCache
      const config = yield* shopConfig({ labelNoise: { most: 0.1 } })
      const first = yield* Effect.andThen(trainRun(config), noise).pipe(
        Effect.provide(Layer.merge(shopLayers(), sharedCache(cache)))
      )
      const again = yield* Effect.andThen(trainRun(config), noise).pipe(
        Effect.provide(Layer.mergeAll(shopLayers(), sharedCache(cache), noProducts))
      )
      assert.deepStrictEqual(again, first)
      // Another label asks for another judgement.
      const others = shopRows.map((row) => (row.id === "cap-train-0" ? { ...row, label: "mug" } : row))
      const exit = yield* Effect.exit(
        trainRun(config).pipe(Effect.provide(Layer.mergeAll(shopLayers(others), sharedCache(cache), noProducts)))
      )
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.provide(FeatureCache.layerMemory))
  )

  it.effect("treats each label column by itself, and leaves a label out where it is wrong alone", () =>
    Effect.gen(function* () {
      const noisy = yield* Effect.gen(function* () {
        const report = yield* trainRun(yield* sidedConfig({ labelNoise: { most: 0.1, treat: "leave-out" } }))
        const { columns, rows } = yield* noise
        const idsIn = (name: string) => rows.flatMap(({ column, id }) => (column === name ? [id] : [])).toSorted()
        assert.deepStrictEqual(idsIn("label"), flipped)
        assert.include(idsIn("side"), turned)
        assert.deepStrictEqual(
          columns.map(({ name, rows }) => [name, rows]),
          [
            ["label", 60],
            ["side", 39]
          ]
        )
        // No row has left the run: its other label is still learned.
        assert.strictEqual(report.data.train, 60)
        return { rows, weights: yield* weights }
      }).pipe(Effect.provide(shopLayers()))
      const isLeftOut = (column: string, { id }: { readonly id: string }) =>
        noisy.rows.some((one) => one.column === column && one.id === id)
      const emptied = shopRows.map((row) => ({
        ...row,
        label: isLeftOut("label", row) ? "" : row.label,
        side: isLeftOut("side", row) ? "" : row.side
      }))
      const without = yield* Effect.gen(function* () {
        yield* trainRun(yield* sidedConfig())
        return yield* weights
      }).pipe(Effect.provide(shopLayers(emptied)))
      assert.deepStrictEqual(noisy.weights, without)
    })
  )

  it.effect("works with class weights, smoothing and mixed images, and gives the same twice", () =>
    Effect.gen(function* () {
      const config = yield* sidedConfig(
        { labelNoise: { most: 0.1 }, classWeights: "balanced", labelSmoothing: 0.1, focal: 1, logitAdjustment: 0.5 },
        { augment: { mixup: 0.4, flip: 0.5 } }
      )
      const trained = Effect.andThen(trainRun(config), weights)
      const once = yield* Effect.provide(trained, shopLayers())
      assert.deepStrictEqual(yield* Effect.provide(trained, shopLayers()), once)
    })
  )

  it.effect("leaves the labels of classes that are too small for the folds as they are, and says so", () =>
    Effect.gen(function* () {
      const rows = shopRows.filter(({ id, kind, part }) => kind !== "mug" || part !== "train" || /-[0-2]$/.test(id))
      yield* Effect.gen(function* () {
        yield* trainRun(yield* shopConfig({ labelNoise: { most: 0.2 } }))
        const { columns, rows: treated } = yield* noise
        assert.deepStrictEqual(columns[0]?.small, ["mug"])
        assert.isTrue(treated.every(({ label, predicted }) => label !== "mug" && predicted !== "mug"))
      }).pipe(Effect.provide(shopLayers(rows)))
    })
  )

  it.effect("keeps together in its folds what the split keeps together", () =>
    Effect.gen(function* () {
      const split = { by: { group: "id", pattern: "^(.*)-[0-9]+$" }, train: 0.8, validation: 0.1, test: 0.1 }
      const config = yield* shopConfig({ labelNoise: {} }, { data: { root: "shop", minPerClass: 3, split } })
      const { groups } = yield* Pipeline.dataset(config)
      for (const { id } of shopRows) assert.strictEqual(groups?.get(id), JSON.stringify([id.replace(/-[0-9]+$/, "")]))
      assert.isUndefined((yield* Pipeline.dataset(yield* shopConfig())).groups)
    }).pipe(Effect.provide(shopLayers()))
  )

  it.effect(
    "is refused without trained weights, without a column of one value, and where all classes are too small",
    () =>
      Effect.gen(function* () {
        const fails = (config: Effect.Success<ReturnType<typeof tinyConfig>>) =>
          Effect.flip(trainRun(config)).pipe(Effect.provide(shopLayers()))
        const scratch = yield* fails(yield* tinyConfig({ train: { labelNoise: {} } }))
        assert.include(scratch.message, "network.weights")
        const tags = yield* fails(
          yield* shopConfig(
            { labelNoise: {} },
            { data: { root: "shop", minPerClass: 3, columns: { label: [{ column: "label", separator: ";" }] } } }
          )
        )
        assert.include(tags.message, "one value in a cell")
        const few = yield* Effect.flip(trainRun(yield* shopConfig({ labelNoise: { folds: 20 } }))).pipe(
          Effect.provide(shopLayers(shopRows.filter((_, i) => i % 3 !== 0)))
        )
        assert.include(few.message, "folds")
        yield* Effect.gen(function* () {
          yield* Effect.flip(trainRun(yield* shopConfig({ labelNoise: { folds: 20 } })))
          assert.isFalse(yield* (yield* RunFolder).has("config.json"))
        }).pipe(Effect.provide(shopLayers(shopRows.filter((_, i) => i % 3 !== 0))))
      })
  )
})
