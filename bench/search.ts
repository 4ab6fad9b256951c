/**
 * How much longer trials that are trained together take than one of them alone: the reference experiment's trials of
 * MobileNetV2, frozen (3 learning rates x 2 optimisers x 2 heads), in turn with the first of them. Every run begins with
 * an empty cache of features. Prints one JSON line with a metric for each round:
 *   node bench/search.ts --data FOLDER --weights FILE --engine tensorflow --images 6400 --epochs 3 --rounds 3
 */
import { Console, Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as DiskFeatureCache from "../src/layers/storage/DiskFeatureCache.ts"
import * as Live from "../src/Live.ts"
import { Progress } from "../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import { trainTrials } from "../src/run/train/trainTrials.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    weights: { type: "string", default: "../shared/weights/mobilenetv2_100.safetensors" },
    engine: { type: "string", default: "auto" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "64" },
    /** Images of the catalogue; 0 for all. */
    images: { type: "string", default: "0" },
    epochs: { type: "string", default: "3" },
    rounds: { type: "string", default: "1" }
  }
})

const size = Number(values.size)
const settings = ["fc", "batchnorm"].flatMap((head) =>
  [0.01, 0.1, 0.001].flatMap((learningRate) => ["sgd", "adam"].map((kind) => ({ head, learningRate, kind })))
)

const configOf = ({ head, kind, learningRate }: (typeof settings)[number]) =>
  decodeRunConfig(
    {
      data: {
        root: values.data,
        columns: { id: "id", label: "articleType" },
        minPerClass: values.images === "0" ? 50 : 3,
        ...(values.images !== "0" && { limit: Number(values.images) })
      },
      image: { height: size, width: size },
      augment: { flip: 0.5, rotation: 10 },
      network: { name: "mobilenet-v2", head, weights: values.weights, trainable: "head" },
      train: {
        epochs: Number(values.epochs),
        batchSize: Number(values.batch),
        learningRate,
        optimizer: { kind },
        schedule: { kind: "step", everyEpochs: 7, gamma: 0.1 }
      },
      engine: { name: values.engine }
    },
    "bench/search.ts"
  )

/** Seconds, and seconds of all processors, that so many of the trials take together, each with a new folder. */
const timed = Effect.fnUntraced(function* (count: number) {
  const root = mkdtempSync(join(tmpdir(), "weft-bench-"))
  const trials = yield* Effect.forEach(settings.slice(0, count), (setting, i) =>
    Effect.map(configOf(setting), (config) => ({ id: `${i}`, config, path: join(root, `${i}`) }))
  )
  const start = performance.now()
  const before = process.cpuUsage()
  const { outcomes, passes } = yield* trainTrials(trials).pipe(
    Effect.provide(Layer.fresh(DiskFeatureCache.layer({ folder: join(root, "features") }))),
    Effect.ensuring(Effect.sync(() => rmSync(root, { recursive: true })))
  )
  const { system, user } = process.cpuUsage(before)
  const states = outcomes.map(({ state }) => state)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (system + user) / 1e6, passes, states }
})

const main = Effect.gen(function* () {
  const rounds = []
  for (let round = 0; round < Number(values.rounds); round++)
    rounds.push({ alone: yield* timed(1), together: yield* timed(settings.length) })
  const last = rounds.at(-1)?.together
  yield* Console.log(
    JSON.stringify({
      bench: "search",
      engine: values.engine,
      size,
      images: Number(values.images),
      epochs: Number(values.epochs),
      trials: settings.length,
      states: last?.states,
      passes: last?.passes,
      aloneSeconds: rounds.map(({ alone }) => alone.seconds),
      togetherSeconds: rounds.map(({ together }) => together.seconds),
      timesAlone: rounds.map(({ alone, together }) => together.seconds / alone.seconds),
      cpuTimesAlone: rounds.map(({ alone, together }) => together.cpuSeconds / alone.cpuSeconds)
    })
  )
}).pipe(
  Effect.provideService(Progress, () => Effect.void), // what is printed is the JSON line
  Effect.provide(Live.layer)
)

await Effect.runPromise(main)
