import { assert, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { formatOf } from "../../../src/model/export/formats.ts"
import { gridIn, resamplePositions } from "../../../src/model/positions.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { decode } from "../../../src/model/safetensors.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { openPredictor } from "../../../src/run/predict/openPredictor.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { verifyRun } from "../../../src/run/verify/verifyRun.ts"
import { assertNear } from "../../model/engineContract/reference.ts"
import * as timm from "../../model/timm.ts"
import { interruptedAt, textIn, tinyConfig, tinyIds, tinyLayers } from "./tinyRun.ts"

const image = { height: 48, width: 32 }

/** Weights as timm publishes them, of images of 224 x 224. */
const file = new Map(
  timm.vit_small_patch16_224(7).map(([name, shape]) => {
    const random = draw("a run of other positions", name)
    return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.between(-0.05, 0.05)) }]
  })
)
const photos = new Map(
  tinyIds.map((id) => {
    const random = draw("a run of other positions", id)
    const light = id.startsWith("cap") ? 150 : 0
    const data = Uint8Array.from({ length: sizeOf([48, 32, 3]) }, () => random.below(90) + light)
    return [`shop/images/${id}.jpg`, { ...image, data }] as const
  })
)

const layers = Layer.mergeAll(
  tinyLayers(),
  Images.layerMemory(photos),
  Pretrained.layerMemory({ timm: { metadata: { mean: "0.5,0.5,0.5", std: "0.5,0.5,0.5" }, tensors: file } })
)

/** A folder of its own. */
const another = Layer.fresh(Layer.merge(RunFolder.layerMemory, Checkpoints.layerMemory(2)))

const network = { name: "vit-s16", weights: "timm" }
const configOf = (more: object = {}) =>
  tinyConfig({
    network: { ...network, trainable: { from: "encoder.layers.encoder_layer_11" }, ...more },
    image,
    train: { epochs: 2, batchSize: 3, select: "last", optimizer: { kind: "adamw" } }
  })

const positions = "encoder.pos_embedding"

const trained = Effect.fnUntraced(function* (config: RunConfig) {
  const lines: Array<string> = []
  const report = yield* Effect.provideService(trainRun(config), Progress, (event: ProgressEvent) =>
    Effect.sync(() => void (event._tag === "Note" && lines.push(event.line)))
  )
  return { lines, report, model: yield* readModel(yield* RunFolder) }
})

it.effect(
  "a ViT is fine-tuned at another size than its weights', resumed, applied, exported and verified",
  () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      const { lines, model, report } = yield* trained(config)
      const line =
        "the weights' position embeddings are resampled from 14 x 14 to 3 x 2 patches (bicubic, antialiased), as images are of 48 x 32 pixels"
      assert.include(lines, line)
      assert.isBelow(report.history.at(-1)?.trainLoss ?? NaN, report.history[0]?.trainLoss ?? NaN)
      const theirs = file.get("pos_embed")
      if (theirs === undefined) return assert.fail("no positions")
      // Frozen, and so as it began.
      assert.deepStrictEqual(model.weights.get(positions), resamplePositions(theirs, [14, 14], [3, 2]))
      const saved = JSON.parse(yield* textIn("config.json"))
      assert.deepStrictEqual(saved.network.positions, [14, 14])

      const whole = [...model.weights].map(([name, { data }]) => [name, data] as const)
      const resumed = yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 2, step: 1 })
        return yield* trained(config)
      }).pipe(Effect.provide(another))
      assert.deepStrictEqual(
        [...resumed.model.weights].map(([name, { data }]) => [name, data] as const),
        whole
      )
      // What is complete is not reported again.
      const again = yield* trained({ ...config, network: { ...config.network, positions: [14, 14] } }).pipe(
        Effect.provide(another)
      )
      assert.notInclude(again.lines, line)
      assert.strictEqual(again.report.receipt.weightsDigest, report.receipt.weightsDigest)
      assert.strictEqual(again.report.receipt.configDigest, report.receipt.configDigest)

      const random = draw("images of a run of other positions")
      const { height, width } = image
      const images = Float32Array.from({ length: 2 * height * width * 3 }, () => random.between(-1, 1))
      const batch = { index: 0, images, labels: new Int32Array(2), ids: ["a", "b"], size: 2, height, width }
      const logitsBy = (name: "onnxruntime" | "reference") =>
        Effect.scoped(
          Effect.flatMap(openPredictor(config.engine, model, name), ({ predictor }) => predictor.predict(batch))
        )
      assertNear(yield* logitsBy("onnxruntime"), yield* logitsBy("reference"), "logits", 1e-3)
      const description = { values: { labels: model.labels, preprocessing: {} }, text: "{}" }
      const graph = { input: "float", output: "logits" } as const
      const safetensors = formatOf("safetensors")
      const [exported] = safetensors.files({ model, graph, names: "timm" }, description)
      if (safetensors.kind !== "weights" || !(exported?.content instanceof Uint8Array)) return assert.fail("no weights")
      const exportedWeights = Result.getOrThrow(safetensors.read(exported.content, model.network))
      assert.deepStrictEqual(exportedWeights.get(positions), model.weights.get(positions))
      // A run that begins with it knows the grid.
      const { metadata } = Result.getOrThrow(decode(exported.content))
      assert.deepStrictEqual(gridIn("vit-s16", { metadata, shapes: new Map() }, [5, 5]), [3, 2])

      const { checks } = yield* verifyRun(yield* decodeRunConfig(saved, "config.json"), { data: true, samples: 4 })
      assert.deepStrictEqual(
        checks.filter(({ status }) => status !== "agrees"),
        []
      )
    }).pipe(Effect.provide(layers)),
  120_000
)
