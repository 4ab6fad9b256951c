/**
 * Images per second of frozen MobileNetV2 at 224x224 by onnxruntime, for how long its threads wait in a loop, on the
 * machine as it is and beside two busy processes; each way in turn, medians. Prints one JSON line:
 * node bench/ways/spinning.ts --rounds 7 --seconds 1
 */
import { Clock, Console, Effect, Schema } from "effect"
import { loadavg } from "node:os"
import { parseArgs } from "node:util"
import { layerWith } from "../../src/layers/OnnxFeatures.ts"
import { Features } from "../../src/model/Features.ts"
import { initialise } from "../../src/model/initialise.ts"
import { NetworkConfig } from "../../src/model/NetworkConfig.ts"
import { networkFor } from "../../src/model/networks.ts"
import { busyProcesses } from "../busyProcesses.ts"
import { median } from "../Comparison.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, seconds: { type: "string", default: "1" } }
})

const size = 224
const batch = 2

/** Microseconds; the last is onnxruntime's own choice. */
const ways = [0, 5, 20, 100, 1000, Infinity]

const main = Effect.gen(function* () {
  const config = yield* Schema.decodeUnknownEffect(NetworkConfig)({ name: "mobilenet-v2" })
  const network = yield* networkFor(config, { height: size, width: size, classes: 70 })
  const frozen = {
    blocks: network.blocks.slice(0, -1),
    input: [size, size, 3],
    weights: initialise(network, 0)
  } as const
  const images = Float32Array.from({ length: batch * size * size * 3 }, (_, i) => ((i * 7919) % 1000) / 500 - 1)
  const rate = Effect.fnUntraced(function* (spinning: number) {
    const { open } = yield* Effect.provide(Features, layerWith({ spinning }))
    const { run } = yield* open(frozen)
    for (let i = 0; i < 5; i++) yield* run(images, batch)
    const start = yield* Clock.currentTimeMillis
    let [count, now] = [0, start]
    while (now - start < Number(values.seconds) * 1000) {
      yield* run(images, batch)
      count += batch
      now = yield* Clock.currentTimeMillis
    }
    return (count * 1000) / (now - start)
  }, Effect.scoped)
  const rates = new Map<string, Array<number>>()
  const loadBefore = loadavg()[0]
  for (let round = 0; round < Number(values.rounds); round++)
    for (const beside of [0, 2])
      yield* Effect.gen(function* () {
        yield* busyProcesses(beside)
        for (const way of ways) {
          const name = `${way} us, beside ${beside}`
          rates.set(name, [...(rates.get(name) ?? []), yield* rate(way)])
        }
      }).pipe(Effect.scoped)
  const medians = [...rates].map(([name, all]) => [name, Math.round(median(all))])
  yield* Console.log(JSON.stringify({ loadBefore, ...Object.fromEntries(medians) }))
})

await Effect.runPromise(main)
