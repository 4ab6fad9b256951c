/**
 * Images per second of whole epochs of training, the feed included, and the share of the time in which the engine waits
 * for images; the first epoch decodes the files. Prints one JSON line:
 *   node bench/epoch.ts --data FOLDER --engine tensorflow --height 80 --width 60 --images 6400
 */
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"
import * as Live from "../src/Live.ts"
import { Checkpoints } from "../src/model/Checkpoints.ts"
import { Engines } from "../src/model/Engines.ts"
import { initialise } from "../src/model/initialise.ts"
import { networkFor } from "../src/model/networks.ts"
import { train } from "../src/model/Training.ts"
import { makeLosses } from "../src/pipeline/Losses.ts"
import * as Pipeline from "../src/pipeline/Pipeline.ts"
import { Progress } from "../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    /** Photos of a catalogue that is drawn, instead of `data`; 0 for none. */
    sample: { type: "string", default: "0" },
    engine: { type: "string", default: "auto" },
    /** As `engine.device`. */
    device: { type: "string", default: "auto" },
    network: { type: "string", default: "simple-cnn" },
    height: { type: "string", default: "80" },
    width: { type: "string", default: "60" },
    batch: { type: "string", default: "64" },
    /** Images to train on; 0 for all. */
    images: { type: "string", default: "0" },
    epochs: { type: "string", default: "2" },
    /** As `data.minPerClass`. */
    "min-per-class": { type: "string" },
    rotation: { type: "string", default: "0" },
    workers: { type: "string", default: "2" }
  }
})

const minPerClass = values["min-per-class"] ?? (values.sample === "0" ? undefined : "5")

const main = Effect.gen(function* () {
  const config = yield* decodeRunConfig(
    {
      data: {
        ...(values.sample === "0" ? { root: values.data } : { sample: { images: Number(values.sample) } }),
        ...(minPerClass !== undefined && { minPerClass: Number(minPerClass) }),
        columns: { label: "articleType" },
        ...(values.images !== "0" && { limit: Number(values.images) }),
        split: { train: 1, validation: 0, test: 0 }
      },
      image: { height: Number(values.height), width: Number(values.width) },
      augment: { flip: 0.5, rotation: Number(values.rotation) },
      loader: { workers: Number(values.workers) },
      network: { name: values.network },
      train: { epochs: Number(values.epochs), batchSize: Number(values.batch), select: "last" },
      engine: { name: values.engine, device: values.device }
    },
    "bench/epoch.ts"
  )
  const before = performance.now()
  const dataset = yield* Pipeline.dataset(config)
  const checkSeconds = (performance.now() - before) / 1000
  const network = yield* networkFor(config.network, { ...config.image, classes: dataset.classes.length })
  const engine = yield* Engines.use((engines) => engines.choose(config.engine, network))
  const session = yield* engine.open({
    network,
    weights: initialise(network, config.seed),
    optimizer: config.train.optimizer,
    labelSmoothing: 0,
    classWeights: undefined,
    clipNorm: undefined,
    clipValue: undefined,
    seed: config.seed
  })
  const losses = makeLosses(dataset, config.data)
  const { history } = yield* train({
    session,
    config: config.train,
    columns: dataset.columns,
    samples: { train: dataset.train.length, validation: 0 },
    trainingBatches: (epoch, from) => Pipeline.trainingBatches(config, dataset.train, losses, epoch, from),
    validationBatches: Pipeline.evaluationBatches(config, dataset.validation, losses),
    digest: "bench",
    ledger: { listed: 0, kept: 0, refused: {} },
    losses
  })
  const [first] = history
  const last = history.at(-1)
  yield* Console.log(
    JSON.stringify({
      bench: "epoch",
      engine: engine.info.name,
      network: values.network,
      height: config.image.height,
      width: config.image.width,
      batch: config.train.batchSize,
      images: dataset.train.length,
      checkSeconds,
      imagesPerSecond: first?.imagesPerSecond,
      laterImagesPerSecond: last?.imagesPerSecond,
      waiting: first?.waiting,
      laterWaiting: last?.waiting,
      loss: last?.trainLoss,
      hostPeakMiB: Math.round(process.resourceUsage().maxRSS / 1024)
    })
  )
}).pipe(
  Effect.scoped,
  Effect.provideService(Progress, () => Effect.void), // what is printed is the JSON line
  Effect.provide([Live.layer, Checkpoints.layerMemory(1)])
)

await Effect.runPromise(main)
