/**
 * Images per second of a network's frozen part (all but the last linear layer) on what applies it; prints one JSON line:
 * node bench/features.ts --by auto --network mobilenet-v2 --size 224 --batch 32
 */
import { Clock, Console, Effect, Schema } from "effect"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { busyProcesses } from "./busyProcesses.ts"
import { layerWith } from "../src/layers/features/OnnxFeatures.ts"
import * as ProcessorFeatures from "../src/layers/features/ProcessorFeatures.ts"
import { Features } from "../src/model/Features.ts"
import { initialise } from "../src/model/initialise.ts"
import { NetworkConfig } from "../src/model/NetworkConfig.ts"
import { networkFor } from "../src/model/networks.ts"

const { values } = parseArgs({
  options: {
    by: { type: "string", default: "auto" },
    network: { type: "string", default: "mobilenet-v2" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "32" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: `${availableParallelism()}` },
    images: { type: "string" },
    optimization: { type: "string", default: "all" },
    spinning: { type: "string", default: "20" },
    beside: { type: "string", default: "0" },
    plain: { type: "boolean", default: false },
    apart: { type: "boolean", default: false }
  }
})

const size = Number(values.size)
const batch = Number(values.batch)
const steps = Number(values.steps)

const main = Effect.gen(function* () {
  yield* busyProcesses(Number(values.beside))
  const config = yield* Schema.decodeUnknownEffect(NetworkConfig)({ name: values.network })
  const network = yield* networkFor(config, { height: size, width: size, classes: 70 })
  const blocks = network.blocks.slice(0, -1) // all but the last linear layer
  const features = yield* (yield* Features).open({
    blocks,
    input: [size, size, 3],
    weights: initialise(network, 0)
  })
  const images = Float32Array.from({ length: batch * size * size * 3 }, (_, i) => ((i * 7919) % 1000) / 500 - 1)
  /** Images per second, after a batch that is not counted. */
  const rate = Effect.gen(function* () {
    yield* features.run(images, batch)
    const start = yield* Clock.currentTimeMillis
    for (let i = 0; i < steps; i++) yield* features.run(images, batch)
    return (steps * batch * 1000) / ((yield* Clock.currentTimeMillis) - start)
  })
  const imagesPerSecond = Math.round((yield* rate) * 10) / 10
  const { network: name, optimization, spinning, threads } = values
  const settings =
    values.by === "auto"
      ? { network: name, size, batch }
      : { network: name, size, batch, threads, optimization, spinning }
  yield* Console.log(JSON.stringify({ engine: features.key, ...settings, imagesPerSecond }))
}).pipe(
  Effect.scoped,
  Effect.provide(
    values.by === "auto"
      ? ProcessorFeatures.layer
      : layerWith({
          threads: Number(values.threads),
          images: values.images === undefined ? undefined : Number(values.images),
          optimization:
            values.optimization === "extended" ? "extended" : values.optimization === "basic" ? "basic" : "all",
          spinning: Number(values.spinning),
          ...(values.plain && { inTiles: false }),
          ...(values.apart && { place: "apart" })
        })
  )
)

await Effect.runPromise(main)
