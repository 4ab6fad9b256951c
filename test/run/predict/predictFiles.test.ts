import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { Features, FeaturesError } from "../../../src/model/Features.ts"
import { encodeModel } from "../../../src/model/Model.ts"
import { encodePredictions } from "../../../src/model/StoredPredictions.ts"
import type { ImagePath } from "../../../src/pipeline/ImageFiles.ts"
import { PathRefused } from "../../../src/pipeline/ImageFiles.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import type { PredictOptions } from "../../../src/run/predict/predictFiles.ts"
import { predictFiles } from "../../../src/run/predict/predictFiles.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { imagePaths } from "../../imagePaths.ts"

const size = { height: 9, width: 11 }
const labels = ["red", "green", "blue"]

/** The logits are the means of the three colours, times four: 0 to 255 becomes -4 to 4. */
const network = {
  name: "mean colour",
  ...size,
  classes: 3,
  blocks: [{ _tag: "GlobalAveragePool" }, { _tag: "Dense", name: "fc", units: 3, bias: false, init: "torch" }]
} as const
const weights = new Map([["fc.weight", { shape: [3, 3], data: Float32Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4) }]])

const uniform = (...colour: ReadonlyArray<number>) => ({
  ...size,
  data: Uint8Array.from({ length: 9 * 11 * 3 }, (_, i) => colour[i % 3]!)
})
const photos = new Map([
  ["red.jpg", uniform(255, 0, 0)],
  ["blue.jpg", uniform(0, 60, 255)],
  ["grey.jpg", uniform(128, 120, 127)]
])

const config = decodeRunConfig({ data: { root: "nowhere" }, image: size, train: { batchSize: 4 } }, "test")

/** A run folder with the model, calibrated to half the logits. */
const folder = Layer.effect(
  RunFolder,
  Effect.gen(function* () {
    const { image } = yield* config
    const folder = yield* Effect.provide(RunFolder, Layer.fresh(RunFolder.layerMemory))
    const calibration = { kind: "temperature", temperature: 2 } as const
    yield* folder.write("model/model.safetensors", encodeModel({ network, labels, image, weights, calibration }))
    return folder
  })
)
const layers = Layer.mergeAll(
  folder,
  Images.layerMemory(photos),
  Engines.layerOf(ReferenceEngine.layer),
  OnnxFeatures.layer
)

const run = Effect.gen(function* () {
  return { config: yield* config, folder: yield* RunFolder }
})

const said = Effect.fnUntraced(function* (paths: Stream.Stream<ImagePath>, options: Partial<PredictOptions> = {}) {
  const { predictions } = yield* predictFiles([yield* run], paths, { top: 2, ...options })
  return yield* Stream.runCollect(predictions)
}, Effect.scoped)

describe("predicting files", () => {
  it.effect("gives each path, in their order, its prediction or the reason why there is none", () =>
    Effect.gen(function* () {
      const empty = new PathRefused({ path: "empty", reason: "noImages", detail: "there are no images in this folder" })
      const names = ["red.jpg", "gone.jpg", "blue.jpg", "red.jpg", "grey.jpg"]
      const paths = Stream.concat(Stream.make<[ImagePath]>(Result.fail(empty)), imagePaths(names))
      const [none, red, gone, blue, again, grey] = yield* said(paths)
      assert.deepStrictEqual(none, { path: "empty", error: empty.detail, reason: "noImages" })
      assert.deepStrictEqual(gone, { path: "gone.jpg", error: "there is no such file", reason: "imageMissing" })
      assert.deepStrictEqual(red, again)
      assert.include(red, { path: "red.jpg", label: "red", abstained: false })
      const { classes } = blue as Extract<typeof blue, { classes: unknown }> // it was read
      // exp(4 / 2) of exp(4 / 2) + exp(-4 / 2) + exp((60 / 127.5 - 1) * 4 / 2)
      const [high, low, middle] = [Math.exp(2), Math.exp(-2), Math.exp((60 / 127.5 - 1) * 2)]
      assert.deepStrictEqual(
        classes.map(({ label }) => label),
        ["blue", "green"]
      )
      assert.approximately(classes[0]!.probability, high / (high + low + middle), 1e-6)
      assert.approximately(classes[1]!.probability, middle / (high + low + middle), 1e-6)
      assert.include(grey, { label: "red" })
    }).pipe(Effect.provide(layers))
  )

  it.effect("leaves open what is less probable than the threshold, and still says what it might be", () =>
    Effect.gen(function* () {
      const paths = imagePaths(["red.jpg", "grey.jpg"])
      const [red, grey] = yield* said(paths, { threshold: { value: 0.5 } })
      assert.include(red, { label: "red", abstained: false })
      assert.include(grey, { label: null, abstained: true })
      const { classes } = grey as Extract<typeof grey, { classes: unknown }> // it was read
      assert.strictEqual(classes.length, 2)
      const [exact] = yield* said(paths, { threshold: { value: classes[0]!.probability } })
      assert.include(exact, { abstained: false })
    }).pipe(Effect.provide(layers))
  )

  it.effect("chooses the threshold on the run's stored validation predictions, calibrated", () =>
    Effect.gen(function* () {
      const folder = yield* RunFolder
      const missing = yield* Effect.flip(said(imagePaths([]), { threshold: { accuracy: 0.9 } }))
      assert.match(missing.message, /auto:0\.9: .*validation\.safetensors is not there.*Train again/)
      const rows = Array.from({ length: 160 }, (_, i) => i % 4)
      const samples = rows.map((row, i) => ({ id: `${i}`, file: `${i}.jpg`, digest: "", label: [0, 1, 2, 1][row]! }))
      const said4 = [
        [4, 0, 0],
        [0, 2, 0],
        [0, 0, 1],
        [0.5, 0, 0]
      ]
      const logits = Float32Array.from(rows.flatMap((row) => said4[row]!))
      yield* folder.write(
        "predictions/validation.safetensors",
        encodePredictions({ part: "validation", labels, samples, logits })
      )
      const { columns } = yield* Effect.scoped(
        predictFiles([yield* run], imagePaths([]), { top: 1, threshold: { accuracy: 0.9 } })
      )
      // The third kind is the last one before the wrong one: e^(1/2) of e^(1/2) + 2 is 0.45186.
      assert.deepInclude(columns[0]?.threshold, { value: 0.4518, source: "validation", target: 0.9, confidence: 0.95 })
      yield* folder.write(
        "predictions/validation.safetensors",
        encodePredictions({ part: "validation", labels, samples: samples.map((one) => ({ ...one, label: 2 })), logits })
      )
      const never = yield* Effect.flip(said(imagePaths([]), { threshold: { accuracy: 0.9 } }))
      assert.match(
        never.message,
        /no threshold promises 90\.0 % right answers with 95\.0 % confidence, by the 160 samples/
      )
    }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect("refuses a model with a weight that is no number, and names it", () =>
    Effect.gen(function* () {
      const { image } = yield* config
      const folder = yield* RunFolder
      const broken = new Map([
        ["fc.weight", { shape: [3, 3], data: Float32Array.of(4, 0, 0, 0, Infinity, 0, 0, 0, 4) }]
      ])
      yield* folder.write("model/model.safetensors", encodeModel({ network, labels, image, weights: broken }))
      const error = yield* Effect.flip(said(imagePaths(["red.jpg"])))
      assert.match(error.message, /its weights are not all numbers: fc\.weight has Infinity at index 4/)
    }).pipe(Effect.provide(Layer.fresh(layers)))
  )

  it.effect("takes onnxruntime where no engine has a GPU, or the engine where it is not there", () =>
    Effect.gen(function* () {
      const opened = Effect.fnUntraced(function* (engine: PredictOptions["engine"]) {
        const opened = yield* predictFiles([yield* run], imagePaths([]), { top: 1, engine })
        return opened.engine
      }, Effect.scoped)
      assert.strictEqual(yield* opened(undefined), "onnxruntime")
      assert.strictEqual(yield* opened("reference"), "reference")
      const gone = new FeaturesError({ engine: "onnxruntime", reason: "unavailable", detail: "no such package" })
      const without = Effect.provideService(Features, {
        examine: () => Effect.die("not asked for"),
        open: () => Effect.fail(gone)
      })
      assert.strictEqual(yield* without(opened(undefined)), "reference")
      const error = yield* Effect.flip(without(opened("onnxruntime")))
      assert.strictEqual(error._tag, "EngineUnavailable")
    }).pipe(Effect.provide(layers))
  )

  it.live("holds a few batches in memory, however many files there are", () =>
    Effect.gen(function* () {
      setFlagsFromString("--expose-gc")
      const collect: unknown = runInNewContext("gc")
      const count = 100_000
      const batchSize = 250
      const names = [...photos.keys()]
      let asked = 0
      // Names of 2000 bytes, made as they are asked for: those of the paths that are not there would be 50 MB.
      const paths = Stream.range(1, count).pipe(
        Stream.rechunk(1),
        Stream.map((i): ImagePath => {
          asked++
          return Result.succeed(i % 4 === 0 ? `gone/${"x".repeat(2000)}${i}.jpg` : names[i % 3]!)
        })
      )
      const { predictions } = yield* predictFiles(
        [{ ...(yield* run), config: { ...(yield* config), train: { ...(yield* config).train, batchSize } } }],
        paths,
        { top: 1 }
      )
      /** Of the answers so far, how many are still in memory, and MiB of the heap, once all else was collected. */
      const left = Effect.gen(function* () {
        // A reference that was looked at is held until the turn ends.
        yield* Effect.sleep(0)
        if (typeof collect === "function") collect()
        return {
          answers: answers.filter((answer) => answer.deref() !== undefined).length,
          heap: process.memoryUsage().heapUsed / 2 ** 20
        }
      })
      const answers: Array<WeakRef<object>> = []
      const marks: Array<Effect.Success<typeof left>> = []
      let ahead = 0
      let done = 0
      let refused = 0
      yield* Stream.runForEach(
        predictions,
        Effect.fnUntraced(function* (prediction) {
          if ("error" in prediction) refused++
          answers.push(new WeakRef(prediction))
          ahead = Math.max(ahead, asked - done)
          if (++done % 30_000 === 10_000) marks.push(yield* left)
        })
      )
      assert.deepStrictEqual([done, refused, marks.length], [count, count / 4, 4])
      assert.isAtMost(ahead, 12 * batchSize)
      for (const { answers } of marks) assert.isAtMost(answers, 12 * batchSize)
      // What is kept of each path, whatever it is, would show here: its name alone is 45 MB in 90,000 paths. The
      // references themselves are 2 MB.
      assert.isBelow(marks.at(-1)!.heap - marks[0]!.heap, 16, JSON.stringify(marks))
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
