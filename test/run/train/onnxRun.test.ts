import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Features, FeaturesError } from "../../../src/model/Features.ts"
import { formatOf } from "../../../src/model/export/formats.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import type { Weights } from "../../../src/model/Tensor.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { withKey } from "../../../src/pipeline/withKey.ts"
import { openPredictor } from "../../../src/run/predict/openPredictor.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { verifyRun } from "../../../src/run/verify/verifyRun.ts"
import { assertNear } from "../../model/engineContract/reference.ts"
import { dinov2, outputOf, siglip, width } from "../../model/onnx/files.ts"
import { interruptedAt, tinyConfig, tinyLayers } from "./tinyRun.ts"

const file = dinov2()
const metadata = { mean: "0.4,0.5,0.6", std: "0.2,0.25,0.3" }

/** A run's stages, with ONNX files. */
const layers = (graph = file) =>
  Layer.merge(tinyLayers(), Pretrained.layerMemory({ "vision.onnx": { metadata, tensors: new Map(), graph } }))

const network = { name: "onnx", weights: "vision.onnx", pool: "cls" }
/** What is undefined is left out. */
const configOf = (more: object = {}, overrides: object = {}) =>
  tinyConfig({
    network: Object.fromEntries(Object.entries({ ...network, ...more }).filter(([, value]) => value !== undefined)),
    ...overrides
  })

const dataOf = (weights: Weights) => [...weights].map(([name, { data }]) => [name, [...data]] as const)

const trained = Effect.fnUntraced(function* (config: RunConfig) {
  const report = yield* trainRun(config)
  return { report, model: yield* readModel(yield* RunFolder) }
})

describe("a run behind an ONNX file", () => {
  for (const head of ["fc", "batchnorm"] as const)
    it.effect(`trains the head ${head} on the file's features, and keeps the file's part`, () =>
      Effect.gen(function* () {
        const { model, report } = yield* trained(yield* configOf({ head }))
        assert.isBelow(report.history.at(-1)?.trainLoss ?? NaN, report.history[0]?.trainLoss ?? NaN)
        assert.deepStrictEqual([report.model.network, report.model.head], ["onnx", head])
        const inputs = head === "fc" ? 2 : 256
        assert.deepStrictEqual(model.weights.get(head === "fc" ? "head.weight" : "head.0.0.weight")?.shape, [
          inputs,
          width
        ])
        assert.isAbove(model.backbone?.length ?? 0, 1000)
        assert.deepStrictEqual(model.image.mean, [0.4, 0.5, 0.6])
        assert.property(report.receipt.files ?? {}, "model/backbone.onnx")
      }).pipe(Effect.provide(layers()))
    )

  it.effect("goes on from any step to the weights of a run that was not stopped", () =>
    Effect.gen(function* () {
      const config = yield* configOf({ head: "batchnorm" }, { augment: { flip: 0.5 } })
      const whole = yield* Effect.provide(trained(config), layers())
      const resumed = yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 2, step: 1 })
        return yield* trained(config)
      }).pipe(Effect.provide(layers()))
      assert.deepStrictEqual(dataOf(resumed.model.weights), dataOf(whole.model.weights))
    })
  )

  it.effect("does not compute again what another run has cached", () =>
    Effect.gen(function* () {
      const images = withKey(yield* Images, "the tiny run's")
      yield* Effect.provideService(trainRun(yield* configOf()), Images, images)
      const features = yield* Features
      const none = Features.of({
        ...features,
        open: (...rest) =>
          Effect.map(features.open(...rest), (opened) => ({
            ...opened,
            run: () => Effect.die("it was computed again")
          }))
      })
      const report = yield* trainRun(yield* configOf({ head: "batchnorm" })).pipe(
        Effect.provideService(Images, images),
        Effect.provideService(Features, none),
        Effect.provide([Layer.fresh(RunFolder.layerMemory), Layer.fresh(Checkpoints.layerMemory(2))])
      )
      assert.strictEqual(report.model.head, "batchnorm")
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is applied alike by onnxruntime alone and by an engine behind it, and verified", () =>
    Effect.gen(function* () {
      const config = yield* configOf({ head: "batchnorm" })
      const { model } = yield* trained(config)
      const random = draw("images of a run behind an ONNX file")
      const { height, width } = config.image
      const images = Float32Array.from({ length: 3 * height * width * 3 }, () => random.between(-2, 2))
      const batch = { index: 0, images, labels: new Int32Array(3), ids: ["a", "b", "c"], size: 3, height, width }
      const logitsBy = (name: "onnxruntime" | "reference") =>
        Effect.scoped(
          Effect.flatMap(openPredictor(config.engine, model, name), ({ predictor }) => predictor.predict(batch))
        )
      const logits = yield* logitsBy("reference")
      assertNear(yield* logitsBy("onnxruntime"), logits, "logits", 1e-4)

      const description = { values: { labels: model.labels, preprocessing: {} }, text: "{}" }
      const graph = { input: "float", output: "logits" } as const
      const [exported] = formatOf("onnx").files({ model, graph, names: "weft" }, description)
      const nchw = images.map((_, at) => {
        const [image, rest] = [Math.floor(at / (height * width * 3)), at % (height * width * 3)]
        const [channel, pixel] = [Math.floor(rest / (height * width)), rest % (height * width)]
        return images[image * height * width * 3 + pixel * 3 + channel] ?? NaN
      })
      const feeds = { images: { data: nchw, dims: [3, 3, height, width] } }
      const { content = "" } = exported ?? {}
      assert.instanceOf(content, Uint8Array)
      const { data } = yield* Effect.promise(() => outputOf(content as Uint8Array, feeds, "logits")) // just checked
      assertNear(data, logits, "the exported graph's logits", 1e-4)
      for (const format of ["tfjs", "saved-model"] as const)
        assert.include(formatOf(format).fault?.({ model }) ?? "", "--format onnx")

      const { checks } = yield* verifyRun(yield* configInFolder, { data: true, samples: 10 })
      assert.deepStrictEqual(
        checks.filter(({ status }) => status !== "agrees"),
        []
      )
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is not resumed with another file, nor applied behind one", () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      const { model } = yield* trained(config)
      const begun = yield* configInFolder
      const other = Pretrained.layerMemory({ "vision.onnx": { metadata, tensors: new Map(), graph: dinov2() } })
      const error = yield* Effect.flip(Effect.provide(trainRun(begun), other))
      assert.include(error.message, "another file")
      const folder = yield* RunFolder
      const changed = new Uint8Array(model.backbone ?? [])
      changed[500] = 1 + (changed[500] ?? 0)
      yield* folder.write("model/backbone.onnx", changed)
      assert.include((yield* Effect.flip(readModel(folder))).message, "backbone.onnx")
    }).pipe(Effect.provide(layers()))
  )

  it.effect("begins with another run's file and head", () =>
    Effect.gen(function* () {
      const first = yield* trained(yield* configOf())
      const graph = first.model.backbone ?? new Uint8Array()
      const second = yield* Effect.provide(trained(yield* configOf()), layers(graph))
      assert.deepStrictEqual(second.model.backbone, graph)
    }).pipe(Effect.provide(layers()))
  )

  it.effect("ends with exit code 4 and the command that helps where onnxruntime is not installed", () =>
    Effect.gen(function* () {
      const gone = new FeaturesError({ engine: "onnxruntime", reason: "unavailable", detail: "Install it: npm …" })
      const without = { open: () => Effect.fail(gone), examine: () => Effect.fail(gone) }
      const error = yield* Effect.flip(Effect.provideService(trainRun(yield* configOf()), Features, without))
      assert.deepStrictEqual([error._tag, error.message.includes("Install it")], ["FeaturesError", true])
    }).pipe(Effect.provide(layers()))
  )

  it.effect("is refused with what to set where file and network do not go together", () =>
    Effect.gen(function* () {
      const refused = (config: RunConfig) => Effect.map(Effect.flip(trainRun(config)), ({ message }) => message)
      assert.include(yield* refused(yield* configOf({ pool: undefined })), "network.pool")
      assert.include(yield* refused(yield* configOf({ name: "mobilenet-v2" })), 'network.name` to "onnx"')
      assert.include(yield* refused(yield* configOf({ weights: "a.safetensors" })), "ONNX file")
      assert.include(yield* refused(yield* configOf({ trainable: { from: "onnx" } })), "no block")
      const nothing = yield* Effect.flip(configOf({ weights: undefined }))
      assert.include(nothing.message, "the ONNX file, where the network is `onnx`")
    }).pipe(Effect.provide(layers()))
  )

  it.effect("takes files in float16", () =>
    Effect.gen(function* () {
      const { report } = yield* trained(yield* configOf({ pool: undefined }))
      assert.strictEqual(report.history.length, 4)
    }).pipe(Effect.provide(layers(siglip("float16"))))
  )
})

/** The configuration that the run has kept. */
const configInFolder = Effect.gen(function* () {
  const folder = yield* RunFolder
  const raw: unknown = JSON.parse(new TextDecoder().decode(yield* folder.read("config.json")))
  return raw as RunConfig // as the run wrote it
})
