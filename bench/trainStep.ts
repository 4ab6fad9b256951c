/**
 * Images per second of a full training step (forward, backward, update) and of inference on an engine; prints one JSON
 * line: node bench/trainStep.ts --engine tensorflow --network simple-cnn --height 64 --width 64 --batch 32 --steps 8
 */
import * as tf from "@tensorflow/tfjs-core"
import { Clock, Console, Effect, Schema } from "effect"
import { parseArgs } from "node:util"
import * as LiveEngines from "../src/layers/engines/LiveEngines.ts"
import { EngineConfig } from "../src/model/EngineConfig.ts"
import { Engines } from "../src/model/Engines.ts"
import { NetworkConfig } from "../src/model/NetworkConfig.ts"
import { networkFor } from "../src/model/networks.ts"
import { drawnTraining } from "./drawnTraining.ts"

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "auto" },
    network: { type: "string", default: "simple-cnn" },
    height: { type: "string", default: "64" },
    width: { type: "string", default: "64" },
    batch: { type: "string", default: "32" },
    steps: { type: "string", default: "8" },
    /** Ends a measurement before its steps are done; 0 for no limit. */
    seconds: { type: "string", default: "0" },
    /** As `engine.device`. */
    device: { type: "string", default: "auto" },
    optimizer: { type: "string", default: "sgd" }
  }
})

const height = Number(values.height)
const width = Number(values.width)
const size = Number(values.batch)
const steps = Number(values.steps)
const most = Number(values.seconds) === 0 ? Infinity : Number(values.seconds)
const classes = 70

/** Images per second of a step, after one that is not counted. */
const rate = Effect.fnUntraced(function* <E>(step: (i: number) => Effect.Effect<unknown, E>) {
  yield* step(0)
  const start = yield* Clock.currentTimeMillis
  let done = 0
  let seconds = 0
  while (done < steps && seconds < most) {
    yield* step(++done)
    seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  }
  return Number(((done * size) / seconds).toPrecision(4))
})

const main = Effect.gen(function* () {
  const config = yield* Schema.decodeUnknownEffect(NetworkConfig)({ name: values.network })
  const network = yield* networkFor(config, { height, width, classes })
  const asked = yield* Schema.decodeUnknownEffect(EngineConfig)({ name: values.engine, device: values.device })
  const engine = yield* Engines.use((engines) => engines.choose(asked, network))
  const { batch, session } = yield* drawnTraining(engine, network, {
    size,
    kind: values.optimizer === "adam" ? "adam" : "sgd"
  })
  const trainImagesPerSecond = yield* rate((step) => session.train(batch, { step, learningRate: 0.001 }))
  const inferImagesPerSecond = yield* rate(() => session.predict(batch))
  const { device, name } = engine.info
  // Another engine's backend has no such number.
  const { numBytesAllocatedInGPU } = tf.memory() as { readonly numBytesAllocatedInGPU?: number }
  yield* Console.log(
    JSON.stringify({
      engine: name,
      device,
      network: values.network,
      height,
      width,
      batch: size,
      trainImagesPerSecond,
      inferImagesPerSecond,
      hostPeakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      ...(numBytesAllocatedInGPU !== undefined && { cardMiB: Math.round(numBytesAllocatedInGPU / 2 ** 20) })
    })
  )
}).pipe(Effect.scoped, Effect.provide(LiveEngines.layer))

await Effect.runPromise(main)
