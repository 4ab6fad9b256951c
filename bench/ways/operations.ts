/**
 * Which of TensorFlow's operations a training step's time goes into, on the processor: a table of processor
 * milliseconds (of all threads) and of calls a step, the largest first, and the host memory that the step needs.
 * node bench/ways/operations.ts --network convnext-atto --height 224 --width 224 --batch 16 --steps 3 [--infer] [--shapes]
 */
import { Console, Effect, Schema } from "effect"
import { createRequire } from "node:module"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { backendFolder, names, readInstalled } from "../../src/layers/backend/BackendFolder.ts"
import type { Binding, Made } from "../../src/layers/engines/tensorflow/Binding.ts"
import { deviceConfig } from "../../src/layers/engines/tensorflow/deviceConfig.ts"
import { layerWith } from "../../src/layers/engines/tensorflow/TensorflowEngine.ts"
import { Engine } from "../../src/model/Engine.ts"
import { EngineConfig } from "../../src/model/EngineConfig.ts"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import { networkFor } from "../../src/model/networks.ts"
import { drawnTraining } from "../drawnTraining.ts"

const { values } = parseArgs({
  options: {
    network: { type: "string", default: "convnext-atto" },
    height: { type: "string", default: "224" },
    width: { type: "string", default: "224" },
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "3" },
    /** Predictions in the place of training steps. */
    infer: { type: "boolean", default: false },
    /** A row for each shape that an operation gives. */
    shapes: { type: "boolean", default: false },
    rows: { type: "string", default: "25" }
  }
})
const [height, width, size, steps] = [values.height, values.width, values.batch, values.steps].map(Number) as [
  number,
  number,
  number,
  number
]
const classes = 70

interface Row {
  calls: number
  cpu: number
  wall: number
}

/** Counts the time of each operation that the addon runs from now on; it runs them one after the other. */
const watched = Effect.fnUntraced(function* () {
  const installed = readInstalled(backendFolder())
  if (installed === undefined) return yield* Effect.die("TensorFlow's libraries are not installed")
  const require = createRequire(import.meta.url)
  const rows = new Map<string, Row>()
  const path = join(installed.folder, names.addon)
  // As `openBackend` sets them, before TensorFlow is loaded.
  Object.assign(process.env, {
    TF_CPP_MIN_LOG_LEVEL: "3",
    TF_ENABLE_ONEDNN_OPTS: "1",
    WEFT_TENSORFLOW_CONFIG: deviceConfig({ device: "cpu", memoryGrowth: true })
  })
  require(join(installed.folder, names.quiet))
  const binding = require(path) as Binding // compiled from the package's own sources
  const { executeOp } = binding
  const timed: Binding["executeOp"] = (name, ...rest) => {
    const before = { cpu: process.cpuUsage(), wall: performance.now() }
    const made = executeOp(name, ...rest)
    const { system, user } = process.cpuUsage(before.cpu)
    const first: Made | undefined = (made as ReadonlyArray<Made>)[0] // of any count
    const key = values.shapes ? `${name} ${first?.shape.join("x")}` : name
    const row = rows.get(key) ?? { calls: 0, cpu: 0, wall: 0 }
    row.calls++
    row.cpu += (system + user) / 1000
    row.wall += performance.now() - before.wall
    rows.set(key, row)
    return made
  }
  const module = require.cache[path]
  if (module === undefined) return yield* Effect.die("the addon is not where modules are kept")
  // The addon's own properties cannot be changed: who asks for it gets a copy.
  module.exports = Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(binding), executeOp: { value: timed } }
  )
  return rows
})

const main = Effect.gen(function* () {
  const rows = yield* watched()
  const config = yield* Schema.decodeUnknownEffect(NetworkConfig)({ name: values.network })
  const network = yield* networkFor(config, { height, width, classes })
  const device = yield* Schema.decodeUnknownEffect(EngineConfig)({ name: "tensorflow", device: "cpu" })
  const engine = yield* Effect.provide(Engine, layerWith(device))
  const { batch, session } = yield* drawnTraining(engine, network, { size })
  const step = (i: number): Effect.Effect<unknown, unknown> =>
    values.infer ? session.predict(batch) : session.train(batch, { step: i, learningRate: 0.001 })
  yield* step(0)
  rows.clear()
  const before = process.cpuUsage()
  for (let i = 1; i <= steps; i++) yield* step(i)
  const { system, user } = process.cpuUsage(before)
  const table = [...rows]
    .sort(([, a], [, b]) => b.cpu - a.cpu)
    .slice(0, Number(values.rows))
    .map(([name, { calls, cpu, wall }]) => ({
      operation: name,
      "processor ms": Number((cpu / steps).toFixed(1)),
      "wall ms": Number((wall / steps).toFixed(1)),
      calls: calls / steps
    }))
  yield* Effect.sync(() => console.table(table))
  yield* Console.log(
    `all: ${((system + user) / 1000 / steps).toFixed(0)} processor ms a step (${(system / 1000 / steps).toFixed(0)} of them in the system); ` +
      `host peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`
  )
}).pipe(Effect.scoped)

await Effect.runPromise(main)
