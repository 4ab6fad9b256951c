/**
 * The two classifiers of `weft baseline` on the features of the real catalogue, as bench/peers/baseline.py fits
 * scikit-learn's: seconds, and accuracies. Features are computed once and kept in a folder, from where both read them.
 *
 *   node bench/baseline.ts --data FOLDER --weights FILE [--folder FOLDER]
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Live from "../src/Live.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import { encodeNpy } from "../src/model/baseline/npy.ts"
import { networkFor } from "../src/model/networks.ts"
import { startWeights } from "../src/model/startWeights.ts"
import { makeLosses } from "../src/pipeline/Losses.ts"
import { measureBaseline } from "../src/run/baseline/measureBaseline.ts"
import { embedSamples, openEmbedding } from "../src/run/similar/embed.ts"
import { completeConfig } from "../src/run/train/completeConfig.ts"
import { trainingData } from "../src/run/train/trainingData.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    weights: { type: "string", default: "../shared/weights/mobilenetv2_100.safetensors" },
    folder: { type: "string", default: ".weft/baseline" },
    /** Of the images, in pixels. The seconds of the classifiers do not depend on it. */
    height: { type: "string", default: "80" },
    width: { type: "string", default: "60" }
  }
})

const parts = ["train", "validation", "test"] as const

/** Computes the features and writes them, where they are not there yet. */
const written = Effect.fnUntraced(function* (folder: string) {
  if (existsSync(join(folder, "classes.json"))) return
  const config = yield* Effect.flatMap(
    decodeRunConfig(
      {
        data: { root: values.data, minPerClass: 50, columns: { id: "id", label: "articleType" } },
        image: { height: Number(values.height), width: Number(values.width) },
        network: { name: "mobilenet-v2", weights: values.weights, trainable: "head" }
      },
      "bench"
    ),
    completeConfig
  )
  const dataset = yield* trainingData(config)
  const network = yield* networkFor(config.network, { ...config.image, classes: dataset.classes.length })
  const weights = yield* startWeights(network, 1, values.weights, dataset.columns)
  const embedding = yield* openEmbedding({ network, weights })
  const losses = makeLosses(dataset, config.data)
  yield* Effect.promise(() => mkdir(folder, { recursive: true }))
  for (const part of parts) {
    const { features, labels } = yield* embedSamples(config, embedding, dataset[part], losses, part)
    yield* Effect.promise(async () => {
      await writeFile(join(folder, `${part}.npy`), encodeNpy(features))
      await writeFile(join(folder, `${part}.labels.json`), JSON.stringify([...labels]))
    })
  }
  yield* Effect.promise(() => writeFile(join(folder, "classes.json"), JSON.stringify(dataset.classes)))
}, Effect.scoped)

/** What `written` has written of a part. */
const readPart = async (folder: string, part: (typeof parts)[number], columns: number) => {
  const bytes = await readFile(join(folder, `${part}.npy`))
  const labels = Int32Array.from(
    JSON.parse(await readFile(join(folder, `${part}.labels.json`), "utf8")) as Array<number>
  ) // see above
  const data = new Float32Array(labels.length * columns)
  new Uint8Array(data.buffer).set(bytes.subarray(bytes.length - data.byteLength))
  return { features: { rows: labels.length, columns, data }, labels, ids: [] }
}

const program = Effect.gen(function* () {
  const { folder } = values
  yield* written(folder)
  const read = (part: (typeof parts)[number]) => Effect.promise(() => readPart(folder, part, 1280))
  const classes = JSON.parse(
    yield* Effect.promise(() => readFile(join(folder, "classes.json"), "utf8"))
  ) as Array<string> // see above
  const [train, validation, test] = [yield* read("train"), yield* read("validation"), yield* read("test")]
  const { logistic, nearest } = yield* measureBaseline({ classes, train, validation, test })
  yield* Console.log(
    JSON.stringify({
      rows: train.labels.length,
      testRows: test.labels.length,
      logisticSeconds: logistic.seconds,
      nearestSeconds: nearest.seconds,
      logisticAccuracy: logistic.test?.accuracy,
      nearestAccuracy: nearest.test?.accuracy,
      logistic: logistic.tried,
      nearest: nearest.tried
    })
  )
})

NodeRuntime.runMain(Effect.provide(program, Live.layer))
