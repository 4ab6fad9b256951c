/**
 * Images per second of a network's frozen part on onnxruntime, against PyTorch's inference of the whole network where
 * --peer names a Python with it; alternated, medians; prints one JSON line:
 * node bench/features.ts --network mobilenet-v2 --size 224 --batch 32 --peer PYTHON
 */
import { Clock, Console, Effect, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { layerWith } from "../src/layers/OnnxFeatures.ts"
import { Features } from "../src/model/Features.ts"
import { initialise } from "../src/model/initialise.ts"
import { NetworkConfig } from "../src/model/NetworkConfig.ts"
import { networkFor } from "../src/model/networks.ts"

const { values } = parseArgs({
  options: {
    network: { type: "string", default: "mobilenet-v2" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "32" },
    steps: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: `${availableParallelism()}` },
    optimization: { type: "string", default: "all" },
    spinning: { type: "string", default: "yes" },
    peer: { type: "string" }
  }
})

const size = Number(values.size)
const batch = Number(values.batch)
const steps = Number(values.steps)

const Peer = Schema.fromJsonString(Schema.Struct({ peer: Schema.String, inferImagesPerSecond: Schema.Finite }))

/** PyTorch's figures; nothing where there is no Python to ask. */
const peerRate = () => {
  if (values.peer === undefined) return undefined
  const script = new URL("../../shared/peers/train_step.py", import.meta.url).pathname
  const network = values.network.replace("-", "_")
  const options = ["--network", network, "--height", `${size}`, "--width", `${size}`, "--batch", `${batch}`]
  const text = execFileSync(values.peer, [script, ...options, "--steps", `${steps}`, "--threads", values.threads])
  return Schema.decodeSync(Peer)(text.toString()).inferImagesPerSecond
}

const median = (figures: ReadonlyArray<number>) => [...figures].sort((a, b) => a - b)[figures.length >> 1]!
const rounded = (figures: ReadonlyArray<number>) => figures.map((figure) => Math.round(figure * 10) / 10)

const main = Effect.gen(function* () {
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
  const ours: Array<number> = []
  const peers: Array<number> = []
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(yield* rate)
    const peer = peerRate()
    if (peer !== undefined) peers.push(peer)
  }
  const ratio = peers.length > 0 ? { ratio: Math.round((100 * median(ours)) / median(peers)) / 100 } : {}
  const { network: name, optimization, spinning, threads } = values
  const settings = { network: name, size, batch, threads, optimization, spinning }
  yield* Console.log(
    JSON.stringify({
      engine: features.key,
      ...settings,
      imagesPerSecond: rounded(ours),
      peer: rounded(peers),
      ...ratio
    })
  )
}).pipe(
  Effect.scoped,
  Effect.provide(
    layerWith({
      threads: Number(values.threads),
      optimization: values.optimization === "extended" ? "extended" : values.optimization === "basic" ? "basic" : "all",
      spinning: values.spinning === "yes"
    })
  )
)

await Effect.runPromise(main)
