/**
 * Whether memory stays flat: a CSV of a million rows through the row stream, and ten thousand training steps. Prints one
 * JSON line with the resident set (MiB) at each tenth of the way, and by how much the last tenth is above the fifth:
 *   node --expose-gc bench/memory.ts --engine tensorflow --steps 10000 --rows 1000000
 */
import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Result, Schema, Stream } from "effect"
import { createWriteStream, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { finished } from "node:stream/promises"
import { parseArgs } from "node:util"
import * as FileRows from "../src/layers/sources/FileRows.ts"
import * as LiveEngines from "../src/layers/engines/LiveEngines.ts"
import { EngineConfig } from "../src/model/EngineConfig.ts"
import { Engines } from "../src/model/Engines.ts"
import { LeakPolicy } from "../src/model/Engine.ts"
import { initialise } from "../src/model/initialise.ts"
import type { Network } from "../src/model/Network.ts"
import { OptimizerConfig } from "../src/model/TrainConfig.ts"
import { DataConfig } from "../src/pipeline/DataConfig.ts"
import { Rows } from "../src/pipeline/Rows.ts"

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "auto" },
    /** As `engine.device`. */
    device: { type: "string", default: "auto" },
    steps: { type: "string", default: "10000" },
    rows: { type: "string", default: "1000000" }
  }
})
const steps = Number(values.steps)
const rows = Number(values.rows)

const collect = (globalThis as { readonly gc?: () => void }).gc // with --expose-gc

/** Resident set, MiB; without what waits to be collected where `--expose-gc` is given. */
const resident = Effect.sync(() => {
  collect?.()
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
})

/** The resident set at each tenth of the way. */
const measure = (total: number) => {
  const tenths: Array<number> = []
  return {
    tenths,
    at: (done: number) =>
      done >= (total * (tenths.length + 1)) / 10 ? Effect.map(resident, (now) => void tenths.push(now)) : Effect.void
  }
}

/** MiB that the second half of the way adds; unknown of so few rows that they came at once. */
const growth = (tenths: ReadonlyArray<number>) => {
  const [fifth, last] = [tenths[4], tenths[9]]
  return fifth === undefined || last === undefined ? undefined : last - fifth
}

const writeCsv = async (path: string) => {
  const file = createWriteStream(path)
  file.write("id,label,name\n")
  for (let i = 0; i < rows; i += 1000) {
    const lines = Array.from({ length: 1000 }, (_, k) => `${i + k},kind${(i + k) % 70},Some product ${i + k}\n`)
    if (!file.write(lines.join(""))) await new Promise((resolve) => file.once("drain", () => resolve(undefined)))
  }
  file.end()
  await finished(file)
}

const readRows = Effect.fn("readRows")(function* (folder: string) {
  yield* Effect.promise(() => writeCsv(join(folder, "styles.csv")))
  const data = yield* Schema.decodeEffect(DataConfig)({ root: folder })
  const source = yield* Rows
  const memory = measure(rows)
  let read = 0
  yield* Stream.runForEachArray(source.read(folder, data), (listed) => {
    read += listed.filter(Result.isSuccess).length
    return memory.at(read)
  })
  return { read, residentMiB: memory.tenths }
})

const network: Network = {
  name: "small",
  height: 16,
  width: 12,
  classes: 5,
  blocks: [
    { _tag: "Conv2d", name: "conv", filters: 8, kernel: [3, 3], stride: 1, padding: 1, bias: true, init: "torch" },
    { _tag: "BatchNorm", name: "norm", eps: 1e-5, momentum: 0.1 },
    { _tag: "Activation", kind: "relu" },
    { _tag: "MaxPool", size: 2, stride: 2, padding: 0 },
    { _tag: "Flatten" },
    { _tag: "Dropout", name: "dropout", rate: 0.2 },
    { _tag: "Dense", name: "dense", units: 5, bias: true, init: "torch" }
  ]
}

const trainSteps = Effect.gen(function* () {
  const config = yield* Schema.decodeUnknownEffect(EngineConfig)({ name: values.engine, device: values.device })
  const engine = yield* Engines.use((engines) => engines.choose(config, network))
  const session = yield* engine.open({
    network,
    weights: initialise(network, 1),
    optimizer: yield* Schema.decodeEffect(OptimizerConfig)({}),
    labelSmoothing: 0,
    classWeights: undefined,
    clipNorm: undefined,
    clipValue: undefined,
    seed: 1
  })
  const memory = measure(steps)
  for (let step = 0; step < steps; step++) {
    const images = Float32Array.from({ length: 8 * 16 * 12 * 3 }, (_, i) => ((i * 31 + step) % 17) / 8 - 1)
    const labels = Int32Array.from({ length: 8 }, (_, i) => (i + step) % 5)
    yield* session.train(
      { index: step, images, labels, ids: [], size: 8, height: 16, width: 12 },
      { step, learningRate: 1e-3 }
    )
    yield* memory.at(step + 1)
  }
  return { engine: engine.info.name, steps, residentMiB: memory.tenths }
}).pipe(Effect.scoped, Effect.provideService(LeakPolicy, "fail"))

const main = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-memory-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const csv = yield* readRows(folder)
  const training = yield* trainSteps
  yield* Console.log(
    JSON.stringify({
      csv,
      training,
      csvGrowthMiB: growth(csv.residentMiB),
      trainingGrowthMiB: growth(training.residentMiB)
    })
  )
}).pipe(Effect.scoped)

await Effect.runPromise(
  main.pipe(
    Effect.provide(Layer.mergeAll(FileRows.layer, LiveEngines.layer).pipe(Layer.provideMerge(NodeServices.layer)))
  )
)
