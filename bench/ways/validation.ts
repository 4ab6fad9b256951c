/**
 * The validation of an epoch on the engine that trains and through onnxruntime, in turn in one process; prints one JSON
 * line: node bench/ways/validation.ts --network mobilenet-v2 --height 128 --width 96 --images 512 --rounds 3
 *
 * What onnxruntime takes has all that it needs in it: the snapshot of the weights, its graph and its session.
 */
import { Clock, Console, Effect, Layer, Schema } from "effect"
import { parseArgs } from "node:util"
import * as ProcessorFeatures from "../../src/layers/features/ProcessorFeatures.ts"
import * as LiveEngines from "../../src/layers/engines/LiveEngines.ts"
import { EngineConfig } from "../../src/model/EngineConfig.ts"
import { modelWeights } from "../../src/model/Engine.ts"
import { Engines } from "../../src/model/Engines.ts"
import { openFeaturesPredictor } from "../../src/model/featuresPredictor.ts"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import { networkFor } from "../../src/model/networks.ts"
import type { Predictor } from "../../src/model/Predictor.ts"
import { elementAt } from "../../src/pipeline/elementAt.ts"
import { drawnTraining } from "../drawnTraining.ts"

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "tensorflow" },
    network: { type: "string", default: "mobilenet-v2" },
    height: { type: "string", default: "128" },
    width: { type: "string", default: "96" },
    batch: { type: "string", default: "32" },
    images: { type: "string", default: "512" },
    rounds: { type: "string", default: "3" }
  }
})
const [height, width, size, images, rounds] = [
  values.height,
  values.width,
  values.batch,
  values.images,
  values.rounds
].map(Number) as [number, number, number, number, number] // five texts

const median = (numbers: ReadonlyArray<number>) =>
  elementAt(
    numbers.toSorted((a, b) => a - b),
    Math.floor(numbers.length / 2)
  )

const main = Effect.gen(function* () {
  const config = yield* Schema.decodeUnknownEffect(NetworkConfig)({ name: values.network })
  const network = yield* networkFor(config, { height, width, classes: 70 })
  const asked = yield* Schema.decodeUnknownEffect(EngineConfig)({ name: values.engine, device: "cpu" })
  const engine = yield* Engines.use((engines) => engines.choose(asked, network))
  const { batch, session } = yield* drawnTraining(engine, network, { size })
  for (let step = 0; step < 2; step++) yield* session.train(batch, { step, learningRate: 0.001 })
  const all = ({ predict }: Predictor) =>
    Effect.gen(function* () {
      for (let done = 0; done < images; done += size) yield* predict(batch)
    })
  const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const [start, before] = [yield* Clock.currentTimeNanos, process.cpuUsage()]
      yield* work
      const { system, user } = process.cpuUsage(before)
      return {
        seconds: Number((yield* Clock.currentTimeNanos) - start) / 1e9,
        cpuSeconds: (system + user) / 1e6
      }
    })
  const open = Effect.gen(function* () {
    const weights = modelWeights(yield* session.snapshot)
    return yield* openFeaturesPredictor({ network, weights }, "onnxruntime")
  })
  const through = Effect.scoped(Effect.flatMap(open, ({ predictor }) => all(predictor)))
  const results: Array<Record<"engine" | "onnxruntime" | "opening", { seconds: number; cpuSeconds: number }>> = []
  yield* session.predict(batch)
  yield* Effect.scoped(open)
  for (let round = 0; round < rounds; round++)
    results.push({
      engine: yield* timed(all(session)),
      onnxruntime: yield* timed(through),
      opening: yield* timed(Effect.scoped(open))
    })
  const of = (what: "engine" | "onnxruntime" | "opening", unit: "seconds" | "cpuSeconds") =>
    Number(median(results.map((one) => one[what][unit])).toPrecision(4))
  const seconds = of("onnxruntime", "seconds")
  const opening = of("opening", "seconds")
  yield* Console.log(
    JSON.stringify({
      engine: engine.info.name,
      network: values.network,
      height,
      width,
      batch: size,
      images,
      engineImagesPerSecond: Number((images / of("engine", "seconds")).toPrecision(4)),
      onnxruntimeImagesPerSecond: Number((images / (seconds - opening)).toPrecision(4)),
      openingSeconds: opening,
      engineCpuMsPerImage: Number(((1000 * of("engine", "cpuSeconds")) / images).toPrecision(3)),
      onnxruntimeCpuMsPerImage: Number(((1000 * of("onnxruntime", "cpuSeconds")) / images).toPrecision(3))
    })
  )
}).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(LiveEngines.layer, ProcessorFeatures.layer)))

await Effect.runPromise(main)
