import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { Toml } from "effect/encoding"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import * as FileRows from "../../../src/layers/sources/FileRows.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { initialise } from "../../../src/model/initialise.ts"
import { encodeModel } from "../../../src/model/Model.ts"
import type { Model } from "../../../src/model/Model.ts"
import { encodePredictions } from "../../../src/model/StoredPredictions.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { evaluateRuns, measuredAlone } from "../../../src/run/evaluate/evaluateRuns.ts"
import type { PredictOptions } from "../../../src/run/predict/predictFiles.ts"
import { predictFiles } from "../../../src/run/predict/predictFiles.ts"
import type { FinishedRun } from "../../../src/run/evaluate/readEnsemble.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { catalogueConfig, writeCatalogue } from "../../catalogue.ts"
import { imagePaths } from "../../imagePaths.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** How many images were decoded. */
const decoded = { count: 0 }
const counting = Layer.effect(
  Images,
  Effect.map(Images, ({ check, load }) => ({
    check,
    load: (path, image) =>
      Effect.andThen(
        Effect.sync(() => decoded.count++),
        load(path, image)
      )
  }))
).pipe(Layer.provide(SharpImages.layer))

/** How many images an engine was given at once, each time. */
const asked: Array<number> = []
const listening = Layer.effect(
  Engine,
  Effect.map(Engine, (engine) => ({
    ...engine,
    open: (options) =>
      Effect.map(engine.open(options), (session) => ({
        ...session,
        predict: (batch) =>
          Effect.andThen(
            Effect.sync(() => asked.push(batch.size)),
            session.predict(batch)
          )
      }))
  }))
).pipe(Layer.provide(ReferenceEngine.layer))

const layers = Layer.mergeAll(
  FileRows.layer,
  counting,
  Augment.layer,
  SampleCatalogue.layerAt("nowhere"),
  Engines.layerOf(listening),
  OnnxFeatures.layer
).pipe(Layer.provideMerge(NodeServices.layer))

const labels = ["apple", "leaf", "plum"]

/** What is particular of a run. */
interface Particular {
  readonly height: number
  readonly width: number
  readonly labels?: ReadonlyArray<string>
  readonly temperature?: number
  readonly raw?: Readonly<Record<string, unknown>>
}

/** A run in memory whose weights nobody trained; its network sees left and right, so that a mirror image is another. */
const runOf = Effect.fnUntraced(function* (data: string, path: string, particular: Particular) {
  const { height, labels: known = labels, raw, temperature, width } = particular
  const table = yield* Effect.fromResult(Toml.parse(catalogueConfig(data)))
  const own = (raw?.["data"] ?? {}) as object // a table of this file
  const config = yield* decodeRunConfig(
    {
      ...table,
      ...raw,
      image: { height, width, ...(raw?.["image"] as object | undefined) }, // the same
      data: { ...(table["data"] as object), split: { train: 0.4, validation: 0.3, test: 0.3 }, ...own } // the text's
    },
    path
  )
  const network: Model["network"] = {
    name: path,
    height,
    width,
    classes: 3,
    blocks: [{ _tag: "Flatten" }, { _tag: "Dense", name: "fc", units: 3, bias: true, init: "torch" }]
  }
  const model: Model = {
    network,
    labels: known,
    image: config.image,
    weights: initialise(network, height),
    ...(temperature !== undefined && { calibration: { kind: "temperature", temperature } })
  }
  const memory = yield* Effect.provide(RunFolder, Layer.fresh(RunFolder.layerMemory))
  yield* memory.write("model/model.safetensors", encodeModel(model))
  return { config, folder: RunFolder.of({ ...memory, path }) } satisfies FinishedRun
})

/** Keeps what a run said of a part: logits by sample, whose id tells its class. */
const store = (
  { folder }: FinishedRun,
  part: "validation" | "test",
  labels: ReadonlyArray<string>,
  rows: Readonly<Record<string, ReadonlyArray<number>>>
) =>
  folder.write(
    `predictions/${part}.safetensors`,
    encodePredictions({
      part,
      labels,
      samples: Object.keys(rows).map((id) => ({
        id,
        file: `${id}.jpg`,
        digest: id,
        label: labels.indexOf(id.replace(/\d+$/, ""))
      })),
      logits: Float32Array.from(Object.values(rows).flat())
    })
  )

const catalogue = Effect.gen(function* () {
  const data = yield* temporaryFolder
  yield* Effect.promise(() => writeCatalogue(data))
  return data
})

/** Three runs that differ in size, scale, looks, temperature, batches and the order of their classes. */
const three = Effect.gen(function* () {
  const data = yield* catalogue
  return [
    yield* runOf(data, "runs/a", { height: 9, width: 14 }),
    yield* runOf(data, "runs/b", {
      height: 13,
      width: 8,
      labels: ["plum", "apple", "leaf"],
      temperature: 0.25,
      raw: {
        evaluate: { tta: "flip" },
        image: { mean: [0.2, 0.3, 0.4], std: [0.1, 0.2, 0.3] },
        train: { batchSize: 3 },
        calibration: {}
      }
    }),
    yield* runOf(data, "runs/c", { height: 10, width: 11, labels: ["leaf", "apple", "plum"] })
  ] as const
})

const said = Effect.fnUntraced(function* (
  runs: NonEmptyReadonlyArray<FinishedRun>,
  paths: ReadonlyArray<string>,
  options: Partial<PredictOptions> = {}
) {
  const { predictions } = yield* predictFiles(runs, imagePaths(paths), { top: 3, engine: "reference", ...options })
  // Runs of one label column answer without the columns' names.
  return (yield* Stream.runCollect(predictions)).flatMap((one) => ("columns" in one ? [] : [one]))
}, Effect.scoped)

/** Probabilities by label, of what could be read. */
const byLabel = (predictions: Effect.Success<ReturnType<typeof said>>) =>
  predictions.map((one) =>
    "error" in one
      ? new Map<string, number>()
      : new Map(one.classes.map(({ label, probability }) => [label, probability]))
  )

describe("several runs as one", () => {
  it.live("say of each file the mean of what each says, label by label, and of one that cannot be read why, once", () =>
    Effect.gen(function* () {
      const runs = yield* three
      const root = runs[0].config.data.root ?? ""
      const paths = ["leaf-0.png", "torn.png", "plum-3.png", "apple-1.png", "nowhere.png", "apple-2.png"].map((name) =>
        join(root, "photos", name)
      )
      const together = yield* said(runs, paths)
      const each = yield* Effect.forEach(runs, (run) => Effect.map(said([run], paths), byLabel))
      assert.deepStrictEqual(
        together.map((one) => ("error" in one ? one.reason : one.classes.length)),
        [3, "imageCorrupt", 3, 3, "imageMissing", 3]
      )
      for (const [i, found] of byLabel(together).entries())
        for (const [label, probability] of found)
          assert.approximately(
            probability,
            each.reduce((sum, said) => sum + said[i]!.get(label)!, 0) / 3,
            1e-6,
            `${paths[i]} ${label}`
          )
      // The members do not say the same, and their most probable class comes first.
      assert.isAbove(Math.abs(each[0]![0]!.get("plum")! - each[1]![0]!.get("plum")!), 0.02)
      for (const one of together)
        if (!("error" in one))
          assert.strictEqual(one.label, one.classes.toSorted((a, b) => b.probability - a.probability)[0]!.label)
      const turned = byLabel(yield* said([runs[2], runs[1], runs[0]], paths))
      for (const [i, found] of byLabel(together).entries())
        for (const [label, probability] of found) assert.approximately(turned[i]!.get(label)!, probability, 1e-6)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("are measured by that mean, each beside it as it is measured alone", () =>
    Effect.gen(function* () {
      const runs = yield* three
      const measured = yield* evaluateRuns(runs, "test")
      const each = yield* Effect.forEach(runs, (run) => evaluateRuns([run], "test"))
      const files = (yield* Effect.promise(() => readdir(join(runs[0].config.data.root ?? "", "photos")))).filter(
        (name) => name !== "torn.png"
      )
      const all = byLabel(
        yield* said(
          runs,
          files.map((name) => join(runs[0].config.data.root ?? "", "photos", name))
        )
      )
      const probabilities = new Map(files.map((name, i) => [name, all[i]!]))
      const parts = yield* Effect.forEach(["train", "validation", "test"] as const, (part) => evaluateRuns(runs, part))
      // The three parts are all of the catalogue: their losses together are those of what is said of its files.
      const losses = files.map((name) => -Math.log(probabilities.get(name)!.get(name.replace(/-.*/, ""))!))
      assert.approximately(
        parts.reduce((sum, { report, samples }) => sum + report!.loss! * samples, 0),
        losses.reduce((sum, loss) => sum + loss, 0),
        1e-4
      )
      assert.strictEqual(
        parts.reduce((sum, { samples }) => sum + samples, 0),
        files.length
      )
      assert.deepStrictEqual(
        measured.members,
        each.flatMap(({ members }) => members) as unknown as typeof measured.members // each has one
      )
      assert.deepStrictEqual(
        measured.members.map(({ engine, run, temperature }) => [run, engine, temperature]),
        [
          ["runs/a", "reference", undefined],
          ["runs/b", "reference", 0.25],
          ["runs/c", "reference", undefined]
        ]
      )
      for (const [i, one] of each.entries()) {
        assert.strictEqual(measured.members[i]!.accuracy, one.report!.accuracy)
        assert.strictEqual(measuredAlone(one)!.calibration?.temperature, measured.members[i]!.temperature)
        assert.strictEqual(measured.members[i]!.loss, one.report!.loss)
        const [found, expected] = [measured.members[i]!.lossBefore, one.calibration?.lossBefore]
        assert.strictEqual(found === undefined, expected === undefined)
        assert.approximately(found ?? 0, expected ?? 0, 1e-9)
      }
      assert.isUndefined(measuredAlone(measured))
      // Jensen's inequality, and the predictions that the calibration is of.
      const mean = measured.members.reduce((sum, { loss }) => sum + loss! / 3, 0)
      assert.isBelow(measured.report!.loss!, mean)
      assert.approximately(measured.calibration!.lossAfter!, measured.report!.loss!, 1e-9)
      assert.notStrictEqual(measured.calibration!.lossBefore, measured.calibration!.lossAfter)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("decode an image once where they take it in the same form, and once for each form else", () =>
    Effect.gen(function* () {
      const runs = yield* three
      const more = yield* runOf(runs[0].config.data.root ?? "", "runs/d", { height: 9, width: 14, temperature: 3 })
      const countOf = Effect.fnUntraced(function* (runs: NonEmptyReadonlyArray<FinishedRun>) {
        decoded.count = 0
        const { samples } = yield* evaluateRuns(runs, "test")
        return decoded.count / samples
      })
      assert.strictEqual(yield* countOf([runs[0], more]), 1)
      assert.strictEqual(yield* countOf([runs[0], runs[1], more]), 2)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("get no larger batches than the most careful of them wants", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      const largest = Effect.fnUntraced(function* (...runs: [FinishedRun, ...ReadonlyArray<FinishedRun>]) {
        asked.length = 0
        yield* evaluateRuns(runs, "train")
        const files = Array.from({ length: 20 }, () => join(a.config.data.root ?? "", "photos", "leaf-0.png"))
        yield* said(runs, files)
        return [Math.max(...asked), asked.reduce((sum, size) => sum + size, 0)]
      })
      // 15 samples of the training part and 20 files; the second looks twice.
      assert.deepStrictEqual(yield* largest(a), [8, 35])
      assert.deepStrictEqual(yield* largest(a, b), [3, 3 * 35])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("are refused where one was trained on samples that another is measured on, or their classes differ", () =>
    Effect.gen(function* () {
      const runs = yield* three
      const data = runs[0].config.data.root ?? ""
      const reseeded = yield* runOf(data, "runs/other", { height: 9, width: 14, raw: { seed: 4 } })
      const split = { train: 0.4, validation: 0.3, test: 0.3, seed: 3 }
      const raw = { seed: 4, data: { split } }
      const split3 = yield* runOf(data, "runs/split3", { height: 9, width: 14, raw })
      assert.strictEqual((yield* evaluateRuns([runs[0], split3], "test")).members.length, 2)
      const error = yield* Effect.flip(evaluateRuns([runs[0], runs[1], reseeded], "test"))
      assert.strictEqual(error._tag, "RunError")
      assert.match(
        error.message,
        /^runs\/other: its test part has other samples than that of runs\/a; only in that of runs\/a: (\d) \(.*\); only in its own: \1 \(.*\)\. They differ in seed \(3, 4\)\. .*train one of them again/
      )
      // As many samples as the other has, and all of them elsewhere: the same catalogue in another order agrees.
      const copy = yield* catalogue
      const list = join(copy, "list.csv")
      const [head, ...rows] = (yield* Effect.promise(() => readFile(list, "utf8"))).trimEnd().split("\r\n")
      yield* Effect.promise(() => writeFile(list, [head, ...rows.toReversed()].join("\n")))
      const moved = yield* runOf(copy, "runs/moved", { height: 9, width: 14 })
      const [, second] = (yield* evaluateRuns([runs[0], moved], "test")).members
      assert.strictEqual(second?.loss, (yield* evaluateRuns([runs[0]], "test")).report!.loss)

      // Every apple of the copy is another photo now.
      for (const name of yield* Effect.promise(() => readdir(join(copy, "photos"))))
        if (name.startsWith("apple")) {
          const file = join(copy, "photos", name)
          yield* Effect.promise(async () => writeFile(file, await sharp(file).negate().png().toBuffer()))
        }
      const repainted = yield* Effect.flip(evaluateRuns([runs[0], moved], "test"))
      assert.match(
        repainted.message,
        /^runs\/moved: .*; with another image: \d \(apple\d+, .*They differ in data\.root/
      )

      const stranger = yield* runOf(data, "runs/stranger", { height: 9, width: 14, labels: ["apple", "leaf", "pear"] })
      const other = yield* Effect.flip(said([runs[0], stranger], []))
      assert.strictEqual(other._tag, "RunError")
      assert.match(
        other.message,
        /^runs\/stranger: .* from those of runs\/a: only runs\/a has plum; only runs\/stranger has pear\./
      )
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("are refused where the catalogue, and its split, was another one when the second was trained", () =>
    Effect.gen(function* () {
      const [a, b] = yield* three
      yield* store(a, "test", labels, { apple1: [0, 0, 0], leaf2: [0, 0, 0], plum3: [0, 0, 0] })
      yield* store(b, "test", ["leaf", "plum", "apple"], { plum3: [0, 0, 0], leaf2: [0, 0, 0], apple4: [0, 0, 0] })
      const error = yield* Effect.flip(evaluateRuns([a, b], "test"))
      assert.match(
        error.message,
        /^runs\/b: its test part at training has other samples than that of runs\/a; only in that of runs\/a: 1 \(apple1\); only in its own: 1 \(apple4\)/
      )
      // Other parts, and a run alone, are no concern of it; nor is the order.
      assert.strictEqual((yield* evaluateRuns([a, b], "validation")).members.length, 2)
      assert.strictEqual((yield* evaluateRuns([b], "test")).members.length, 1)
      yield* store(b, "test", ["leaf", "plum", "apple"], { plum3: [0, 0, 0], leaf2: [0, 0, 0], apple1: [0, 0, 0] })
      assert.strictEqual((yield* evaluateRuns([a, b], "test")).members.length, 2)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("answer from the threshold on that their stored predictions give together", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* three
      // Forty times each: of four samples nothing could be promised.
      const stored = (run: FinishedRun, known: ReadonlyArray<string>, rows: Record<string, ReadonlyArray<number>>) =>
        store(
          run,
          "validation",
          known,
          Object.fromEntries(
            Object.entries(rows).flatMap(([id, logits]) => Array.from({ length: 40 }, (_, i) => [`${id}${i}`, logits]))
          )
        )
      yield* stored(a, labels, { apple1: [3, 0, 0], leaf1: [1, 1.5, 0], plum1: [2, 0, 0], plum2: [0, 0, 1] })
      // In another order, of samples and of classes: plum, apple, leaf; with a temperature of a quarter.
      yield* stored(b, ["plum", "apple", "leaf"], {
        plum1: [0, 0.1, 0],
        apple1: [0, 0.5, 0],
        plum2: [0.4, 0, 0],
        leaf1: [0, 0, 0.5]
      })
      const share = (logits: ReadonlyArray<number>, at: number) =>
        Math.exp(logits[at]!) / logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
      const sure = {
        apple1: (share([3, 0, 0], 0) + share([0, 2, 0], 1)) / 2,
        leaf1: (share([1, 1.5, 0], 1) + share([0, 0, 2], 2)) / 2,
        plum2: (share([0, 0, 1], 2) + share([1.6, 0, 0], 0)) / 2,
        // Taken for an apple, by both.
        plum1: (share([2, 0, 0], 0) + share([0, 0.4, 0], 1)) / 2
      }
      assert.isBelow(sure.plum1, Math.min(sure.plum2, sure.apple1))
      const opened = Effect.fnUntraced(function* (runs: NonEmptyReadonlyArray<FinishedRun>) {
        return yield* predictFiles(runs, imagePaths([]), { top: 1, engine: "reference", threshold: { accuracy: 0.8 } })
      }, Effect.scoped)
      const [{ threshold } = { threshold: undefined }] = (yield* opened([a, b])).columns
      const right = Object.entries(sure).filter(([id, p]) => id !== "plum1" && p > sure.plum1)
      const least = Math.min(...right.map(([, p]) => p))
      assert.isTrue(threshold!.value > sure.plum1 && threshold!.value <= least && threshold!.value > least - 1e-4)
      assert.notStrictEqual((yield* opened([a])).columns[0]?.threshold?.value, threshold!.value)

      yield* stored(b, ["plum", "apple", "leaf"], { apple1: [0, 0.5, 0], leaf1: [0, 0, 0.5], plum1: [0, 0.1, 0] })
      const error = yield* Effect.flip(opened([a, b]))
      assert.match(
        error.message,
        /^runs\/b: its validation part has other samples than that of runs\/a; only in that of runs\/a: 40 \(plum20, /
      )
      const missing = yield* Effect.flip(opened([a, c]))
      assert.match(missing.message, /auto:0\.8: runs\/c\/predictions\/validation\.safetensors is not there/)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
