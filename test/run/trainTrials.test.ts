import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MockEngine from "../../src/layers/MockEngine.ts"
import * as OnnxFeatures from "../../src/layers/OnnxFeatures.ts"
import { Engines } from "../../src/model/Engines.ts"
import { FeatureCache } from "../../src/model/FeatureCache.ts"
import { initialise } from "../../src/model/initialise.ts"
import { mobilenetV2 } from "../../src/model/networks/mobilenetV2.ts"
import { Checkpoints } from "../../src/model/Checkpoints.ts"
import { Pretrained } from "../../src/model/Pretrained.ts"
import { Augment } from "../../src/pipeline/Augment.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { Images } from "../../src/pipeline/Images.ts"
import { Rows } from "../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../src/pipeline/SampleCatalogue.ts"
import { decodeRunConfig } from "../../src/RunConfig.ts"
import { Machine } from "../../src/run/Machine.ts"
import { RunFolder } from "../../src/run/RunFolder.ts"
import { Runs } from "../../src/run/Runs.ts"
import { trainRun } from "../../src/run/trainRun.ts"
import type { TrialOutcome, TrialToTrain } from "../../src/run/trainTrials.ts"
import { trainTrials } from "../../src/run/trainTrials.ts"

const size = { height: 34, width: 40 }
const kinds = ["cap", "glove", "scarf"]
const table = [["id", "label"], ...kinds.flatMap((kind) => Array.from({ length: 7 }, (_, i) => [`${kind}${i}`, kind]))]
const photos = new Map(
  table.slice(1).map(([id = "", kind = ""]) => {
    const random = draw("trainTrials test", id)
    const data = Uint8Array.from(
      { length: size.height * size.width * 3 },
      (_, i) => random.below(90) + (i % 3 === kinds.indexOf(kind) ? 150 : 0)
    )
    return [`shop/images/${id}.jpg`, { ...size, data }] as const
  })
)

/** Another seed than the runs'. */
const trained = initialise(mobilenetV2({ ...size, classes: 5, head: "fc", padding: "symmetric" }), 99)

/** How many images were decoded to be trained or measured on. */
const decoded = { count: 0 }
const images = Layer.effect(
  Images,
  Effect.map(Images, (images) => ({
    ...images,
    load: (...args: Parameters<typeof images.load>) => {
      decoded.count++
      return images.load(...args)
    }
  }))
).pipe(Layer.provide(Images.layerMemory(photos)))

const stages = Layer.mergeAll(
  Rows.layerMemory(new Map([["shop/styles.csv", table]])),
  images,
  Augment.layer,
  SampleCatalogue.layerAt("nowhere"),
  Machine.layerTest,
  Pretrained.layerMemory({ trained: { metadata: {}, tensors: trained } }),
  FeatureCache.layerMemory,
  OnnxFeatures.layer
)
const layers = Layer.merge(stages, Engines.layerOf(MockEngine.layer))

interface Settings {
  readonly head?: string
  readonly train?: object
  readonly rest?: object
}

/** A trial on a frozen MobileNetV2; augmented, so that no epoch's features are another's. */
const trial = Effect.fnUntraced(function* (id: string, { head = "fc", rest = {}, train = {} }: Settings) {
  const config = yield* decodeRunConfig(
    {
      name: id,
      seed: 3,
      data: { root: "shop", minPerClass: 3, split: { train: 0.6, validation: 0.2, test: 0.2 } },
      image: size,
      augment: { flip: 0.5, noise: 0.02 },
      network: { name: "mobilenet-v2", weights: "trained", trainable: "head", head },
      train: { epochs: 2, batchSize: 5, learningRate: 0.01, ...train },
      ...rest
    },
    "test"
  )
  return { id, config, path: `trials/${id}` } satisfies TrialToTrain
})

/** Every head, optimiser, schedule and way to be measured. */
const variety: Readonly<Record<string, Settings>> = {
  fc: {},
  momentum: { train: { optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 } } },
  average: { head: "batchnorm", train: { optimizer: { kind: "adamw" }, ema: { decay: 0.3, everySteps: 2 } } },
  cycle: { head: "batchnorm", train: { schedule: { kind: "one-cycle" }, clipNorm: 0.5, labelSmoothing: 0.1 } },
  twice: { rest: { evaluate: { tta: "flip" } }, train: { optimizer: { kind: "sgd" }, select: "last" } },
  cooled: { head: "batchnorm", rest: { calibration: { kind: "temperature", bins: 5 } }, train: { learningRate: 0.1 } },
  balanced: { train: { classWeights: "balanced", clipValue: 0.01, epochs: 3 } }
}
const trialsOf = (settings: Readonly<Record<string, Settings>>) =>
  Effect.forEach(Object.entries(settings), ([id, one]) => trial(id, one))

/** Without what depends on the clock. */
const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ["seconds", "imagesPerSecond", "waiting"].includes(key) ? undefined : inner
    )
  )

const read = (folder: RunFolder["Service"], file: "model/model.safetensors" | "ledger.jsonl" | "config.json") =>
  Effect.map(folder.read(file), (bytes) => Buffer.from(bytes).toString("hex"))

/** What a trial leaves: all that must not depend on whether it was alone. */
const leftIn = Effect.fnUntraced(function* (folder: RunFolder["Service"]) {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  const history = text(yield* folder.read("history.jsonl"))
    .trim()
    .split("\n")
    .map((line): unknown => timeless(JSON.parse(line)))
  const report: unknown = JSON.parse(text(yield* folder.read("report.json")))
  return {
    model: yield* read(folder, "model/model.safetensors"),
    ledger: yield* read(folder, "ledger.jsonl"),
    config: yield* read(folder, "config.json"),
    history,
    report: timeless(report)
  }
})

/** What a trial leaves that is trained alone. */
const alone = Effect.fnUntraced(function* ({ config, id }: TrialToTrain) {
  const { checkpoints, folder } = yield* Runs.use((runs) => runs.open(`alone/${id}`, 2))
  yield* trainRun(config).pipe(
    Effect.provideService(RunFolder, folder),
    Effect.provideService(Checkpoints, checkpoints)
  )
  return yield* leftIn(folder)
})

const left = ({ path }: TrialToTrain) =>
  Effect.flatMap(
    Runs.use((runs) => runs.existing(path)),
    leftIn
  )

const reportOf = (outcome: TrialOutcome | undefined) =>
  outcome?.state === "finished" ? outcome.report : assert.fail(`it is not finished: ${JSON.stringify(outcome)}`)

const states = (outcomes: ReadonlyArray<TrialOutcome>) => outcomes.map(({ state }) => state)

describe("trials that are trained together", () => {
  it.effect("leave what each alone would leave, to the last bit, with every batch made once", () =>
    Effect.gen(function* () {
      const trials = yield* trialsOf(variety)
      const { outcomes, passes } = yield* trainTrials(trials)
      assert.deepStrictEqual(
        states(outcomes),
        trials.map(() => "finished")
      )
      const { test, train, validation } = reportOf(outcomes[0]).data
      assert.isAbove(test * train * validation, 0)
      // Seven trials of two epochs, one of them of three; the temperature is fitted on the validation part.
      assert.strictEqual(passes.wanted, 15 * (train + validation) + validation + 7 * test)
      // The test images are made once more for the trial that looks at their mirror images too.
      assert.strictEqual(passes.made, 3 * (train + validation) + validation + 2 * test)
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(Effect.provide([layers, Layer.fresh(Runs.layerMemory)]))
  )
})
