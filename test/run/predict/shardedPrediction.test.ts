/** Predictions in shards, on folders in memory: the rows are those of a prediction in one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Stream } from "effect"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Engines } from "../../../src/model/Engines.ts"
import type { Model } from "../../../src/model/Model.ts"
import { encodeModel } from "../../../src/model/Model.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import type { ImagePath } from "../../../src/pipeline/ImageFiles.ts"
import { PathRefused } from "../../../src/pipeline/ImageFiles.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { Machine } from "../../../src/run/Machine.ts"
import type { Prediction } from "../../../src/run/predict/Prediction.ts"
import { predictFiles } from "../../../src/run/predict/predictFiles.ts"
import { predictShards } from "../../../src/run/predict/predictShards.ts"
import { isRelative, readShard, writeShard } from "../../../src/run/predict/shardFiles.ts"
import type { ShardsRequest } from "../../../src/run/predict/shardedPrediction.ts"
import {
  engineOf,
  joinShards,
  openShardPredictor,
  openShards,
  unfinishedShards
} from "../../../src/run/predict/shardedPrediction.ts"
import { Runs } from "../../../src/run/Runs.ts"

const size = { height: 9, width: 11 }
/** By its name, a network whose head is `fc`: what goes into it are an image's features. */
const network = {
  name: "resnet18",
  ...size,
  classes: 3,
  blocks: [{ _tag: "GlobalAveragePool" }, { _tag: "Dense", name: "fc", units: 3, bias: false, init: "torch" }]
} as const
const weights = new Map([["fc.weight", { shape: [3, 3], data: Float32Array.of(4, 0, 1, 0, 4, 0, 2, 0, 4) }]])
const config = decodeRunConfig({ data: { root: "nowhere" }, image: size, train: { batchSize: 4 } }, "test")

const uniform = (...colour: ReadonlyArray<number>) => ({
  ...size,
  data: Uint8Array.from({ length: 9 * 11 * 3 }, (_, i) => colour[i % 3]!)
})
const count = 30
const names = Array.from({ length: count }, (_, i) => (i % 7 === 3 ? `gone-${i}.jpg` : `photo-${i}.jpg`))
const photos = new Map(
  names.flatMap((name, i) =>
    name.startsWith("gone") ? [] : [[`here/${name}`, uniform((i * 53) % 256, (i * 97) % 256, (i * 31) % 256)] as const]
  )
)
const bytes = new Map([...photos].map(([path, { data }]) => [path, data]))
const empty = new PathRefused({ path: "empty", reason: "noImages", detail: "there are no images in this folder" })
/** With a path that is no file in the middle. */
const listed: ReadonlyArray<ImagePath> = [
  ...names.slice(0, 10).map((name) => Result.succeed(name)),
  Result.fail(empty),
  ...names.slice(10).map((name) => Result.succeed(name))
]

const labels = ["red", "green", "blue"]
const severalColumns: Model["columns"] = [
  {
    name: "kind",
    classes: ["red", "green"],
    values: "one",
    parent: { name: "above", classes: ["warm", "cold"], of: [0, 1] }
  },
  { name: "tags", classes: ["blue"], values: "several", thresholds: [0.7] }
]

/** The images that are decoded, in their order. */
const counting = () => {
  const loaded: Array<string> = []
  const layer = Layer.effect(
    Images,
    Effect.map(Images, (images) =>
      Images.of({
        ...images,
        load: (path, ...rest) => Effect.suspend(() => (loaded.push(path), images.load(path, ...rest)))
      })
    )
  ).pipe(Layer.provide(Images.layerMemory(photos)))
  return { loaded, layer }
}

/** A place of its own for each test: its folders, and the images that were decoded. */
const place = (files: ReadonlyMap<string, Uint8Array> = bytes) => {
  const { layer, loaded } = counting()
  const stages = Layer.mergeAll(
    layer,
    Runs.layerMemory,
    ImageBytes.layerMemory(files),
    Engines.layerOf(ReferenceEngine.layer),
    OnnxFeatures.layer,
    Machine.layerTest
  )
  return { loaded, stages }
}

/** A run in memory; with other `weights` it is another model. */
const run = Effect.fnUntraced(function* (
  path: string,
  model: Partial<Pick<Model, "columns" | "weights">> = {},
  batchSize = 4
) {
  const own = yield* config
  const { folder } = yield* Runs.use((runs) => runs.open(path, 1))
  yield* folder.write("model/model.safetensors", encodeModel({ network, labels, image: own.image, weights, ...model }))
  return { config: { ...own, train: { ...own.train, batchSize } }, folder }
})

const folderAt = (path: string) =>
  Effect.map(
    Runs.use((runs) => runs.open(path, 1)),
    ({ folder }) => folder
  )

const request = (own: ShardsRequest["runs"][0], more: Partial<ShardsRequest> = {}): ShardsRequest => ({
  runs: [own],
  paths: Stream.fromArray(listed),
  root: "here",
  perShard: 5,
  features: false,
  top: 2,
  engine: "reference",
  ...more
})

const open = Effect.fnUntraced(function* (asked: ShardsRequest) {
  const folder = yield* folderAt("shards")
  return { folder, ...(yield* openShards(folder, asked, "--shards shards")) }
})

/** As text: rows with the same values in another order would be another output. */
const textOf = (rows: ReadonlyArray<Prediction>) => rows.map((row) => JSON.stringify(row))

const inOne = Effect.fnUntraced(function* (own: ShardsRequest["runs"][0], threshold?: number) {
  const here = Stream.fromArray(listed).pipe(Stream.map(Result.map((path) => `here/${path}`)))
  const { predictions } = yield* predictFiles([own], here, {
    top: 2,
    engine: "reference",
    ...(threshold !== undefined && { threshold: { value: threshold } })
  })
  const rows = yield* Stream.runCollect(predictions)
  return textOf(rows.map((row) => ({ ...row, path: row.path.replace(/^here\//, "") })))
}, Effect.scoped)

describe("a prediction in shards", () => {
  for (const [what, columns, threshold] of [
    ["one label column", undefined, 0.5],
    ["several label columns", severalColumns, 0.6]
  ] as const)
    it.effect(`of ${what} gives the rows, the order and the batches of a prediction in one`, () =>
      Effect.gen(function* () {
        const own = yield* run("runs/own", { columns })
        const { folder, prediction } = yield* open(request(own, { threshold: { value: threshold } }))
        // Five files a shard are made eight: two batches of four.
        assert.deepInclude(prediction, { files: 31, shards: 4, perShard: 8, batchSize: 4 })
        yield* predictShards(folder, prediction)
        const chunks = yield* Stream.runCollect(Stream.chunks(joinShards(folder, prediction)))
        assert.deepStrictEqual(
          chunks.map(({ length }) => length),
          [4, 4, 4, 4, 4, 4, 4, 3]
        )
        assert.deepStrictEqual(textOf(chunks.flat()), yield* inOne(own, threshold))
        assert.strictEqual(yield* engineOf(folder, prediction), "reference")
      }).pipe(Effect.provide(place().stages))
    )

  it.effect("gives the features of the images that were read, in the list's order", () =>
    Effect.gen(function* () {
      const own = yield* run("runs/own")
      const features = new Map<string, ReadonlyArray<number>>()
      const take = (into: Map<string, ReadonlyArray<number>>) => (path: string, row: Float32Array) =>
        Effect.sync(() => void into.set(path, [...row]))
      const { folder, prediction } = yield* open(request(own, { features: true }))
      yield* predictShards(folder, prediction)
      yield* Stream.runDrain(joinShards(folder, prediction, take(features)))
      const wanted = new Map<string, ReadonlyArray<number>>()
      const here = Stream.fromArray(listed).pipe(Stream.map(Result.map((path) => `here/${path}`)))
      const { predictions } = yield* predictFiles([own], here, {
        top: 2,
        engine: "reference",
        embeddings: (path, row) => take(wanted)(path.replace(/^here\//, ""), row)
      })
      yield* Stream.runDrain(predictions)
      assert.strictEqual(features.size, photos.size)
      assert.deepStrictEqual([...features], [...wanted])
    }).pipe(Effect.scoped, Effect.provide(place().stages))
  )

  it.effect("goes on where it was stopped: no finished shard is predicted again", () => {
    const { loaded, stages } = place()
    return Effect.gen(function* () {
      const own = yield* run("runs/own")
      const begun = yield* open(request(own))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { predict } = yield* openShardPredictor(begun.folder)
          // Not in their order, as several workers finish them.
          for (const shard of [2, 0]) yield* predict(shard, () => Effect.void)
          const stopped = yield* Effect.exit(predict(1, () => Effect.interrupt))
          assert.isTrue(Exit.hasInterrupts(stopped))
        })
      )
      const { left } = yield* unfinishedShards(begun.folder, begun.prediction)
      assert.deepStrictEqual(left, [1, 3])
      loaded.length = 0
      const again = yield* open(request(own))
      assert.isFalse(again.isNew)
      assert.strictEqual(again.prediction.key, begun.prediction.key)
      yield* predictShards(again.folder, again.prediction)
      const wanted = listed
        .filter((_, i) => [1, 3].includes(Math.floor(i / 8)))
        .flatMap((one) => (Result.isSuccess(one) ? [`here/${one.success}`] : []))
      assert.deepStrictEqual([...loaded].sort(), [...wanted].sort())
      const rows = yield* Stream.runCollect(joinShards(again.folder, again.prediction))
      assert.deepStrictEqual(textOf(rows), yield* inOne(own))
    }).pipe(Effect.provide(stages))
  })

  it.effect("is refused with another list, model or request, and says what differs", () =>
    Effect.gen(function* () {
      const own = yield* run("runs/own")
      yield* open(request(own))
      const other = yield* run("runs/other", {
        weights: new Map([["fc.weight", { shape: [3, 3], data: Float32Array.of(4, 0, 1, 0, 4, 0, 2, 0, 5) }]])
      })
      const swapped = [...listed.slice(1), ...listed.slice(0, 1)]
      for (const [asked, differs] of [
        [request(other), /differs in the model or its settings \(--run, --set\)/],
        [request(yield* run("runs/own", {}, 8)), /the model or its settings/],
        [request(own, { paths: Stream.fromArray(listed.slice(1)) }), /the list of files \(31 files, and now 30\)/],
        [request(own, { paths: Stream.fromArray(swapped) }), /31 files, and now 31 others, or in another order/],
        [request(own, { root: "elsewhere" }), /the list of files/],
        [request(own, { top: 1 }), /--top \(2, and now 1\)/],
        [request(own, { threshold: { value: 0.5 } }), /--threshold/],
        [request(own, { engine: undefined }), /--engine \(reference, and now left out\)/],
        [request(own, { features: true }), /--embeddings/],
        [request(own, { perShard: 9 }), /--per-shard \(8, and now 12/]
      ] as const) {
        const error = yield* Effect.flip(open(asked))
        assert.match(error.message, differs)
        assert.match(error.message, /^--shards shards: .*name another folder, or remove this one$/s)
      }
      // A copy of the same run is the same model.
      assert.isFalse((yield* open(request(yield* run("runs/copy")))).isNew)
    }).pipe(Effect.provide(place().stages))
  )

  it.effect("is not computed by a machine with other photos, or none", () =>
    Effect.gen(function* () {
      const own = yield* run("runs/own")
      const { folder } = yield* open(request(own))
      const openedWith = (files: ReadonlyMap<string, Uint8Array>, data?: string) =>
        Effect.provide(Effect.scoped(openShardPredictor(folder, data)), ImageBytes.layerMemory(files))
      const gone = yield* Effect.flip(openedWith(bytes, "nowhere"))
      assert.match(gone.message, /^nowhere\/photo-0\.jpg: this photo cannot be read here .*--data/)
      const changed = new Map([...bytes, ["here/photo-0.jpg", Uint8Array.of(1, 2, 3)]])
      const differs = yield* Effect.flip(openedWith(changed))
      assert.match(differs.message, /here\/photo-0\.jpg: this photo has other bytes/)
      const moved = new Map([...bytes].map(([path, content]) => [path.replace("here/", "there/"), content]))
      assert.strictEqual((yield* openedWith(moved, "there")).shards, 4)
    }).pipe(Effect.provide(place().stages))
  )

  it.effect("does not take photos whose server has gone for photos that are missing", () => {
    const files = new Map(bytes)
    return Effect.gen(function* () {
      const own = yield* run("runs/own")
      const { folder, prediction } = yield* open(request(own))
      const { predict } = yield* openShardPredictor(folder)
      files.clear()
      const error = yield* Effect.flip(predict(0, () => Effect.void))
      assert.match(error.message, /cannot be read here/)
      assert.deepStrictEqual((yield* unfinishedShards(folder, prediction)).left, [0, 1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(place(files).stages))
  })

  it.effect("has no end by another engine than it was begun with", () =>
    Effect.gen(function* () {
      const own = yield* run("runs/own")
      const { folder, prediction } = yield* open(request(own))
      const head = { prediction: prediction.key, shard: 0, engine: "wasm", computes: "wasm on a processor" }
      yield* writeShard(folder, head, [], undefined)
      const error = yield* Effect.flip(predictShards(folder, prediction))
      assert.match(error.message, /computed by wasm on a processor, and here it would be reference on a processor/)
    }).pipe(Effect.provide(place().stages))
  )

  it.effect("of no file at all begins nothing", () =>
    Effect.gen(function* () {
      const own = yield* run("runs/own")
      const error = yield* Effect.flip(open(request(own, { paths: Stream.empty })))
      assert.strictEqual(error._tag, "NothingRead")
      assert.isTrue((yield* open(request(own))).isNew)
    }).pipe(Effect.provide(place().stages))
  )
})

describe("a shard's file", () => {
  const head = { prediction: "own", shard: 3, engine: "wasm", computes: "wasm on a processor" }

  it.effect("gives every kind of row as it was, numbers that are none too", () =>
    Effect.gen(function* () {
      const folder = yield* folderAt("shards")
      const rows: ReadonlyArray<Prediction> = [
        { path: 'a\n\u2028"b".jpg', label: null, abstained: true, classes: [{ label: "1", probability: Number.NaN }] },
        {
          path: "b",
          columns: {
            kind: {
              label: null,
              abstained: true,
              classes: [{ label: "z", probability: 0.1 + 0.2 }],
              parent: { column: "above", label: "up", probability: 1e-7 }
            },
            a: { labels: ["x", "y"], classes: [{ label: "x", probability: 5e-324 }] }
          },
          unseenPairs: [{ columns: ["kind", "size"], values: ["z", "s"] }]
        },
        { path: "c", error: "it is no image file", reason: "notAnImage" }
      ]
      assert.deepStrictEqual(yield* writeShard(folder, head, rows, undefined), { read: 2, refused: 1 })
      const found = yield* readShard(folder, "own", 3, false)
      assert.deepStrictEqual(found.rows, rows)
      assert.deepStrictEqual(textOf(found.rows), textOf(rows))
    }).pipe(Effect.provide(Runs.layerMemory))
  )

  it.effect("is refused where it is another's, or cut", () =>
    Effect.gen(function* () {
      const folder = yield* folderAt("shards")
      const row: Prediction = { path: "c", error: "it is no image file", reason: "notAnImage" }
      yield* writeShard(folder, head, [row, row], undefined)
      const other = yield* Effect.flip(readShard(folder, "other", 3, false))
      assert.match(other.message, /0000003\.jsonl: this is a shard of another prediction/)
      const whole = new TextDecoder().decode(yield* folder.read("shards/0000003.jsonl"))
      for (const [end, why] of [
        [-2, /it is damaged/],
        [whole.lastIndexOf("\n", whole.length - 2) + 1, /it has 1 rows of 2/],
        [5, /this is not a shard of a prediction/]
      ] as const) {
        yield* folder.write("shards/0000003.jsonl", whole.slice(0, end))
        assert.match((yield* Effect.flip(readShard(folder, "own", 3, false))).message, why)
      }
    }).pipe(Effect.provide(Runs.layerMemory))
  )
})

it("a path is relative where it is neither absolute, on any system, nor a URL", () => {
  for (const path of ["a.jpg", "./a.jpg", "a:b.jpg", "é/a.jpg", "s3/a"]) assert.isTrue(isRelative(path), path)
  for (const path of ["/a.jpg", "C:\\a.jpg", "c:/a.jpg", "\\\\server\\a.jpg", "https://a/b.jpg", "s3://a/b"])
    assert.isFalse(isRelative(path), path)
})
