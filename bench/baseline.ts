/**
 * The two classifiers of `weft baseline` on the features of the real catalogue, as bench/peers/baseline.py fits
 * scikit-learn's: seconds, and accuracies. Features are computed once and kept in a folder, from where both read them.
 *
 *   node bench/baseline.ts --data FOLDER --weights FILE [--folder FOLDER] [--rows N] [--peer PYTHON]
 *   node bench/baseline.ts --drawn [--folder FOLDER] [--rows N] [--peer PYTHON]
 *
 * `--drawn`: features by chance, in 70 clouds that overlap, in the place of a catalogue's. `--rows`: of the training part
 * only the first. `--peer`: scikit-learn's afterwards.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Live from "../src/Live.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import { encodeNpy } from "../src/model/baseline/npy.ts"
import type { Labelled } from "../src/model/baseline/Products.ts"
import { rowsFrom } from "../src/model/baseline/Products.ts"
import { networkFor } from "../src/model/networks.ts"
import { startWeights } from "../src/model/startWeights.ts"
import { makeLosses } from "../src/pipeline/Losses.ts"
import { draw } from "../src/pipeline/draw.ts"
import { measureBaseline } from "../src/run/baseline/measureBaseline.ts"
import { embedSamples, openEmbedding } from "../src/run/similar/embed.ts"
import { completeConfig } from "../src/run/train/completeConfig.ts"
import { trainingData } from "../src/run/train/trainingData.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    weights: { type: "string", default: "../shared/weights/mobilenetv2_100.safetensors" },
    folder: { type: "string", default: ".weft/baseline" },
    drawn: { type: "boolean", default: false },
    rows: { type: "string", default: "1000000" },
    peer: { type: "string" },
    /** Of the images, in pixels. The seconds of the classifiers do not depend on it. */
    height: { type: "string", default: "80" },
    width: { type: "string", default: "60" }
  }
})

const parts = ["train", "validation", "test"] as const

const writePart = async (folder: string, part: (typeof parts)[number], { features, labels }: Labelled) => {
  await writeFile(join(folder, `${part}.npy`), encodeNpy(features))
  await writeFile(join(folder, `${part}.labels.json`), JSON.stringify([...labels]))
}

/** Draws features as wide and as many as the catalogue's: few directions of 1,280 are wide, and common classes differ more. */
const drawn = Effect.fnUntraced(function* (folder: string) {
  if (existsSync(join(folder, "classes.json"))) return
  const random = draw("bench baseline")
  const [classes, columns] = [70, 1280]
  const centres = Float32Array.from({ length: classes * columns }, random.normal)
  const wide = Float32Array.from({ length: 64 * columns }, random.normal)
  yield* Effect.promise(() => mkdir(folder, { recursive: true }))
  for (const [part, rows] of [
    ["train", 31_197],
    ["validation", 3_900],
    ["test", 3_900]
  ] as const) {
    const labels = Int32Array.from({ length: rows }, () => Math.min(random.below(classes), random.below(classes)))
    const data = new Float32Array(rows * columns)
    for (let row = 0; row < rows; row++) {
      const own = labels[row]! * columns
      for (let i = 0; i < columns; i++) data[row * columns + i] = 0.1 * centres[own + i]! + random.normal()
      for (let one = 0; one < 64; one++) {
        const far = (2 * random.normal()) / (1 + one)
        for (let i = 0; i < columns; i++) data[row * columns + i]! += far * wide[one * columns + i]!
      }
    }
    yield* Effect.promise(() => writePart(folder, part, { features: { rows, columns, data }, labels }))
  }
  const names = Array.from({ length: classes }, (_, i) => `class ${i}`)
  yield* Effect.promise(() => writeFile(join(folder, "classes.json"), JSON.stringify(names)))
})

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
    yield* Effect.promise(() => writePart(folder, part, { features, labels }))
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
  yield* values.drawn ? drawn(folder) : written(folder)
  const read = (part: (typeof parts)[number]) => Effect.promise(() => readPart(folder, part, 1280))
  const classes = JSON.parse(
    yield* Effect.promise(() => readFile(join(folder, "classes.json"), "utf8"))
  ) as Array<string> // see above
  const [train, validation, test] = [yield* read("train"), yield* read("validation"), yield* read("test")]
  const count = Math.min(Number(values.rows), train.labels.length)
  const some = { features: rowsFrom(train.features, 0, count), labels: train.labels.subarray(0, count), ids: [] }
  const load = loadavg()[0]?.toFixed(1)
  const { system, user } = process.cpuUsage()
  const { logistic, nearest } = yield* measureBaseline({ classes, train: some, validation, test })
  const used = process.cpuUsage({ system, user })
  yield* Console.log(
    JSON.stringify({
      load,
      processorSeconds: (used.user + used.system) / 1e6,
      rows: count,
      testRows: test.labels.length,
      logisticSeconds: logistic.seconds,
      nearestSeconds: nearest.seconds,
      logisticAccuracy: logistic.test?.accuracy,
      nearestAccuracy: nearest.test?.accuracy,
      logistic: logistic.tried,
      nearest: nearest.tried
    })
  )
  if (values.peer !== undefined)
    spawnSync(values.peer, ["bench/peers/baseline.py", "--folder", folder, "--rows", values.rows], { stdio: "inherit" })
})

NodeRuntime.runMain(Effect.provide(program, Live.layer))
