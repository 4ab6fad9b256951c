import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { existsSync, readFileSync } from "node:fs"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import * as WasmEngine from "../../../src/layers/engines/wasm/WasmEngine.ts"
import { topK } from "../../../src/metrics/topK.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { inferenceOptions } from "../../../src/model/Model.ts"
import { networkFor } from "../../../src/model/networks.ts"
import { pretrainedWeights } from "../../../src/model/startWeights.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import * as Pipeline from "../../../src/pipeline/Pipeline.ts"
import { imagePaths } from "../../imagePaths.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { resolveConfig } from "../../../src/run/train/resolveConfig.ts"

const folder = "../shared/weights"
const source = `${folder}/mobilenetv2_100.safetensors`

describe.skipIf(!existsSync(source))("trained weights (../shared/weights)", () => {
  it.effect("see an Egyptian cat and a hot dog, as the weights' description says", () =>
    Effect.gen(function* () {
      const labels = readFileSync(`${folder}/imagenet-labels.txt`, "utf8").trim().split("\n")
      // Mean, std and padding are the file's own.
      const config = yield* Effect.flatMap(
        decodeRunConfig({ data: { root: folder }, network: { name: "mobilenet-v2", weights: source } }, "test"),
        resolveConfig
      )
      assert.strictEqual(config.network.padding, "same")
      const network = yield* networkFor(config.network, { ...config.image, classes: labels.length })
      const weights = yield* pretrainedWeights(network, { head: true, source })
      const engine = yield* Engine
      const session = yield* engine.open(inferenceOptions({ network, weights }))
      const seen = yield* Pipeline.fileBatches(
        config,
        [config.image],
        imagePaths([`${folder}/cat_720p.jpg`, `${folder}/hot_dog.jpg`])
      ).pipe(
        Stream.mapEffect(({ forms: [batch] }) => session.predict(batch!)),
        Stream.runCollect
      )
      const logits = seen[0]!
      const [cat, hotDog] = [logits.subarray(0, labels.length), logits.subarray(labels.length)].map((row) =>
        topK(row, 3).map(({ index, probability }) => ({ label: labels[index]!, probability }))
      )
      assert.deepStrictEqual(
        cat?.map(({ label }) => label),
        ["Egyptian cat", "tabby, tabby cat", "tiger cat"]
      )
      assert.approximately(cat?.[0]?.probability ?? 0, 0.6, 0.03)
      assert.include(hotDog?.[0]?.label, "hotdog")
      assert.approximately(hotDog?.[0]?.probability ?? 0, 0.42, 0.03)
    }).pipe(
      Effect.provide(Layer.mergeAll(DiskPretrained.layer, WasmEngine.layerWith(2), SharpImages.layer, Augment.layer))
    )
  )
})
