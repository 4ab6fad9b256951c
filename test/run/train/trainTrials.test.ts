import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import * as DiskRuns from "../../../src/layers/storage/DiskRuns.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { backendFolder, readInstalled } from "../../../src/layers/backend/BackendFolder.ts"
import * as TensorflowEngine from "../../../src/layers/engines/tensorflow/TensorflowEngine.ts"
import * as WasmEngine from "../../../src/layers/engines/wasm/WasmEngine.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import type { SessionOptions } from "../../../src/model/Engine.ts"
import type { EngineUnavailable } from "../../../src/model/Engine.ts"
import { Engine, EngineError } from "../../../src/model/Engine.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { initialise } from "../../../src/model/initialise.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { Machine } from "../../../src/run/Machine.ts"
import type { RunFile } from "../../../src/run/RunFolder.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import type { TrialOutcome, TrialToTrain } from "../../../src/run/train/trainTrials.ts"
import { passKey } from "../../../src/run/train/passKey.ts"
import { trainTrials } from "../../../src/run/train/trainTrials.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const size = { height: 48, width: 50 }
const kinds = ["cap", "glove", "scarf"]
const table = [
  ["id", "label", "side"],
  ...kinds.flatMap((kind) =>
    Array.from({ length: 7 }, (_, i) => [`${kind}${i}`, kind, ["left", "right", ""][i % 3] ?? ""])
  )
]
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
const trained = initialise(mobilenetV2.build({ ...size, classes: 5, head: "fc", padding: "symmetric" }), 99)

/** How many images were decoded to be trained or measured on, and after how many none can be any more. */
const decoding = { count: 0, most: Infinity }
const images = Layer.effect(
  Images,
  Effect.map(Images, (images) => ({
    ...images,
    load: (path: string, ...rest: Parameters<typeof images.load> extends [string, ...infer R] ? R : never) =>
      ++decoding.count > decoding.most ? images.load("gone", ...rest) : images.load(path, ...rest)
  }))
).pipe(Layer.provide(Images.layerMemory(photos)))

/** An engine one of whose sessions, known by its label smoothing, fails in its fourth step. */
const faulty = Layer.effect(
  Engine,
  Effect.map(Engine, (engine) => ({
    ...engine,
    open: (options: SessionOptions) =>
      Effect.map(engine.open(options), (session) => ({
        ...session,
        train: (...[batch, at]: Parameters<typeof session.train>) =>
          options.labelSmoothing === 0.25 && at.step === 3
            ? Effect.fail(new EngineError({ engine: "reference", reason: "failed", detail: "a fuse blew" }))
            : session.train(batch, at)
      }))
  }))
).pipe(Layer.provide(ReferenceEngine.layer))

const stages = Layer.mergeAll(
  Rows.layerMemory(new Map([["shop/styles.csv", table]])),
  images,
  Augment.layer,
  SampleCatalogue.layerAt("nowhere"),
  Machine.layerTest,
  Pretrained.layerMemory({ trained: { metadata: {}, tensors: trained } }),
  FeatureCache.layerMemory,
  OnnxFeatures.layer,
  Products.layerPlain
)
const layers = Layer.merge(stages, Engines.layerOf(faulty))

interface Settings {
  readonly head?: string
  readonly network?: object
  readonly train?: object
  readonly rest?: object
}

/** A trial on a frozen MobileNetV2; augmented, so that no epoch's features are another's. */
const trial = Effect.fnUntraced(function* (id: string, { head = "fc", network = {}, rest = {}, train = {} }: Settings) {
  const config = yield* decodeRunConfig(
    {
      name: id,
      seed: 3,
      data: { root: "shop", minPerClass: 3, split: { train: 0.6, validation: 0.2, test: 0.2 } },
      image: size,
      augment: { flip: 0.5, noise: 0.02 },
      network: { name: "mobilenet-v2", weights: "trained", trainable: "head", head, ...network },
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
  average: { head: "batchnorm", train: { optimizer: { kind: "adamw" }, average: { decay: 0.3, everySteps: 2 } } },
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

const read = (folder: RunFolder["Service"], file: RunFile) =>
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
    validation: yield* read(folder, "predictions/validation.safetensors"),
    test: yield* read(folder, "predictions/test.safetensors"),
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

const inMemory = Effect.provide([layers, Layer.fresh(Runs.layerMemory)])

/** Tells every event of progress. */
const watched = (tell: (event: ProgressEvent) => Effect.Effect<void>) => Effect.provideService(Progress, tell)

/** Those that must come to their end when they go on from wherever they were stopped; their checkpoints lie apart. */
const stopped: Readonly<Record<string, Settings>> = {
  often: { train: { checkpoint: { everySteps: 1 } } },
  seldom: { head: "batchnorm", train: { checkpoint: { everySteps: 2 }, average: { decay: 0.5 } } },
  never: { train: { optimizer: { kind: "sgd", momentum: 0.9 }, schedule: { kind: "one-cycle" } } }
}

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
      // MobileNetV2's 2,223,872 and a linear layer: as PyTorch counts them, without running statistics.
      const { data, model } = reportOf(outcomes[0])
      assert.strictEqual(model.parameters, 2_223_872 + 1281 * data.classes)
      assert.strictEqual(model.trainableParameters, 1281 * data.classes)
      // Seven trials of two epochs, one of them of three; at the end each is asked about validation and test.
      assert.strictEqual(passes.wanted, 15 * (train + validation) + 7 * (validation + test))
      // These are made once more for the trial that looks at their mirror images too.
      assert.strictEqual(passes.made, 3 * (train + validation) + 2 * (validation + test))
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(inMemory)
  )

  const onEngine = (engine: Layer.Layer<Engine, EngineUnavailable>) =>
    Effect.gen(function* () {
      const { average, cycle, fc, momentum } = variety
      const trials = yield* trialsOf({ average: average!, cycle: cycle!, fc: fc!, momentum: momentum! })
      const { outcomes } = yield* trainTrials(trials)
      assert.deepStrictEqual(states(outcomes), ["finished", "finished", "finished", "finished"])
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(Effect.provide([stages, Engines.layerOf(engine), Layer.fresh(Runs.layerMemory)]))

  it.effect("leave the same bits as alone on wasm", () => onEngine(WasmEngine.layer))

  it.effect.skipIf(readInstalled(backendFolder()) === undefined)("leave the same bits as alone on tensorflow", () =>
    onEngine(TensorflowEngine.layer)
  )

  it.effect("that diverge or fail touch no other", () =>
    Effect.gen(function* () {
      const faster = { rates: [{ from: "classifier.1", factor: 1e6 }] }
      const trials = yield* trialsOf({
        // Its decay makes the weights ten billion times as large with every step.
        wild: { train: { optimizer: { kind: "sgd", weightDecay: 1 }, learningRate: 1e4, ...faster } },
        fc: {},
        blown: { train: { labelSmoothing: 0.25 } },
        unknown: { train: { rates: [{ from: "classifier.7", factor: 2 }] } },
        cycle: variety["cycle"]!
      })
      const { outcomes } = yield* trainTrials(trials)
      assert.deepStrictEqual(states(outcomes), ["diverged", "finished", "failed", "failed", "finished"])
      const details = outcomes.map((outcome) => ("error" in outcome ? outcome.error.message : ""))
      assert.match(details[0]!, /The loss became (NaN|-?Infinity) at step \d of epoch \d/)
      assert.match(details[2]!, /a fuse blew/)
      assert.match(details[3]!, /`train\.rates`: mobilenet-v2 has no block "classifier\.7"/)
      const [, , blown] = outcomes
      // Three steps are an epoch: the fourth is of the second.
      assert.strictEqual(blown && "history" in blown ? blown.history.length : -1, 1)
      for (const i of [1, 4]) assert.deepStrictEqual(yield* left(trials[i]!), yield* alone(trials[i]!), trials[i]!.id)
    }).pipe(inMemory)
  )

  // Every step and every epoch's end: see the test of Training.
  it.effect.each([2, 5, 8, 11])("go on with the same bits, each from its own checkpoint: killed at event %i", (stop) =>
    Effect.gen(function* () {
      const trials = yield* trialsOf(stopped)
      let events = 0
      const killed = yield* trainTrials(trials).pipe(
        watched(({ _tag }) =>
          (_tag === "Step" || _tag === "Epoch") && ++events === stop ? Effect.die("killed") : Effect.void
        ),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(killed))
      const { outcomes } = yield* trainTrials(trials)
      assert.deepStrictEqual(states(outcomes), ["finished", "finished", "finished"])
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(inMemory)
  )

  it.effect("of several label columns leave what each alone would leave, also where one pauses and goes on", () =>
    Effect.gen(function* () {
      const data = {
        root: "shop",
        minPerClass: 3,
        split: { train: 0.6, validation: 0.2, test: 0.2 },
        columns: { label: ["label", { column: "side", weight: 0.5 }] }
      }
      const trials = yield* trialsOf({
        fc: { rest: { data, evaluate: { tta: "flip" } } },
        norm: { head: "batchnorm", rest: { data, calibration: {} } }
      })
      const paused = yield* trainTrials(trials.map((one) => (one.id === "norm" ? { ...one, until: 1 } : one)))
      assert.deepStrictEqual(states(paused.outcomes), ["finished", "paused"])
      const { outcomes } = yield* trainTrials(trials)
      assert.deepStrictEqual(states(outcomes), ["finished", "finished"])
      for (const one of trials) {
        const found = yield* left(one)
        assert.deepStrictEqual(found, yield* alone(one), one.id)
      }
      const columns = reportOf(outcomes[0]).test?.columns
      assert.deepStrictEqual(Object.keys(columns ?? {}), ["label", "side"])
    }).pipe(inMemory)
  )

  it.effect("leave a checkpoint each where they are interrupted", () =>
    Effect.gen(function* () {
      const trials = yield* trialsOf(stopped)
      let steps = 0
      const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
        trainTrials(trials).pipe(
          watched(({ _tag }) =>
            _tag === "Step" && ++steps === 4
              ? Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
              : Effect.void
          )
        )
      )
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      let resumed = 0
      const { outcomes, passes } = yield* trainTrials(trials).pipe(
        watched(({ _tag }) => Effect.sync(() => void (resumed += _tag === "Step" ? 1 : 0)))
      )
      assert.include([1, 2], resumed)
      const { test, train, validation } = reportOf(outcomes[0]).data
      assert.isBelow(passes.made, train + 2 * validation + test)
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(inMemory)
  )

  it.effect("come to their ends at different times: fewer epochs, a pause, early stopping", () =>
    Effect.gen(function* () {
      const stopping = { monitor: "validationAccuracy", earlyStopping: { patience: 1 } }
      const trials = yield* trialsOf({
        short: { train: { epochs: 1 } },
        long: { train: { epochs: 4, schedule: { kind: "cosine" } } },
        stopping: { head: "batchnorm", train: { epochs: 12, ...stopping } },
        paused: { train: { epochs: 4, schedule: { kind: "one-cycle" } } }
      })
      const untilOne = trials.map((one) => (one.id === "paused" ? { ...one, until: 1 } : one))
      const epochs: Array<string> = []
      const { outcomes } = yield* trainTrials(untilOne).pipe(
        watched((event) =>
          Effect.sync(() => void (event._tag === "Epoch" ? epochs.push(`${event.trial} ${event.record.epoch}`) : 0))
        )
      )
      assert.deepStrictEqual(states(outcomes), ["finished", "finished", "finished", "paused"])
      const [short, long, stopped] = outcomes.slice(0, 3).map(reportOf)
      assert.deepStrictEqual([short!.history.length, long!.history.length], [1, 4])
      assert.isBelow(stopped!.history.length, 12)
      assert.deepStrictEqual(epochs.slice(0, 5), ["short 1", "long 1", "stopping 1", "paused 1", "long 2"])
      const paused = yield* Runs.use((runs) => runs.existing("trials/paused"))
      assert.isFalse(yield* paused.has("report.json"))

      // The finished ones are not looked at again: what is decoded is for the one that goes on.
      const before = decoding.count
      const again = yield* trainTrials(trials)
      assert.deepStrictEqual(states(again.outcomes), ["finished", "finished", "finished", "finished"])
      assert.deepStrictEqual(again.outcomes.slice(0, 3), outcomes.slice(0, 3))
      const { test, train, validation } = short!.data
      assert.strictEqual(decoding.count - before, 3 * (train + validation) + validation + test)
      assert.deepStrictEqual(again.passes, { wanted: decoding.count - before, made: decoding.count - before })
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)

      // Nor is anything at all, where all are finished.
      const third = yield* trainTrials(trials)
      assert.deepStrictEqual(third, { outcomes: again.outcomes, passes: { wanted: 0, made: 0 } })
    }).pipe(inMemory)
  )

  it.effect(
    "share their decoded batches where they train everything, other networks too",
    () =>
      Effect.gen(function* () {
        const once = { epochs: 1, learningRate: 0.002 }
        const trials = yield* trialsOf({
          mobile: { network: { trainable: "all" }, train: once },
          simple: { rest: { network: { name: "simple-cnn" } }, train: { ...once, optimizer: { kind: "sgd" } } },
          frozen: { train: once },
          thawing: { train: { ...once, unfreeze: [{ epoch: 1, from: "features.18" }] } }
        })
        decoding.count = 0
        const { outcomes, passes } = yield* trainTrials(trials)
        const { test, train, validation } = reportOf(outcomes[0]).data
        const epoch = train + validation + (validation + test)
        // What is frozen for the whole run has features of its own; the other three have the images.
        assert.deepStrictEqual(passes, { wanted: 4 * epoch, made: 2 * epoch })
        assert.strictEqual(decoding.count, 2 * epoch)
        for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
      }).pipe(Effect.provide([stages, Engines.layerOf(WasmEngine.layer), Layer.fresh(Runs.layerMemory)])),
    240_000
  )

  it.effect("end together where an image can no longer be read, and go on from there", () =>
    Effect.gen(function* () {
      const trials = yield* trialsOf(stopped)
      decoding.count = 0
      decoding.most = 25
      const error = yield* Effect.flip(trainTrials(trials)).pipe(
        Effect.ensuring(Effect.sync(() => (decoding.most = Infinity)))
      )
      assert.strictEqual(error._tag, "DataUnusable")
      yield* trainTrials(trials)
      for (const one of trials) assert.deepStrictEqual(yield* left(one), yield* alone(one), one.id)
    }).pipe(inMemory)
  )

  it.effect("are not trained over the finished run of another configuration, nor over its checkpoints", () =>
    Effect.gen(function* () {
      const first = yield* trial("first", { train: { epochs: 1 } })
      const paused = { ...(yield* trial("second", {})), until: 1 }
      yield* trainTrials([first, paused])
      const other = (yield* trial("other", { train: { learningRate: 0.5 } })).config
      const { outcomes } = yield* trainTrials([
        { ...first, config: other },
        { ...paused, config: other }
      ])
      const details = outcomes.map((outcome) => ("error" in outcome ? outcome.error.message : outcome.state))
      assert.match(details[0]!, /trials\/first: the folder holds the finished run of another configuration/)
      assert.match(details[1]!, /checkpoints were made with another configuration/)
    }).pipe(inMemory)
  )

  it.effect("must be of one pass: others are a defect", () =>
    Effect.gen(function* () {
      const one = yield* trial("one", {})
      const other = yield* trial("other", { train: { batchSize: 4 } })
      const exit = yield* Effect.exit(trainTrials([one, other]))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(passKey(one.config), passKey((yield* trial("third", variety["twice"]!)).config))
      const sampled = yield* trial("sampled", { train: { sampling: "balanced" } })
      assert.notStrictEqual(passKey(one.config), passKey(sampled.config))
      for (const rest of [{ seed: 4 }, { augment: { flip: 0.1 } }, { image: { height: 48, width: 48 } }])
        assert.notStrictEqual(passKey(one.config), passKey((yield* trial("else", { rest })).config))
    }).pipe(inMemory)
  )

  it.effect("leave the files that a run of its own leaves, on disk", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const trials = (yield* trialsOf(stopped)).map((one) => ({ ...one, path: join(root, "trials", one.id) }))
      yield* trainTrials(trials)
      const [one] = trials
      const { checkpoints, folder } = yield* Runs.use((runs) => runs.open(join(root, "alone"), 2))
      yield* trainRun(one!.config).pipe(
        Effect.provideService(RunFolder, folder),
        Effect.provideService(Checkpoints, checkpoints)
      )
      const files = (path: string) =>
        Effect.promise(async () => (await readdir(path, { recursive: true })).filter((name) => name !== "").sort())
      assert.deepStrictEqual(yield* files(one!.path), yield* files(join(root, "alone")))
      assert.include(yield* files(one!.path), join("checkpoints", "best.safetensors"))
      assert.deepStrictEqual(yield* left(one!), yield* leftIn(folder))
    }).pipe(Effect.provide([layers, DiskRuns.layer.pipe(Layer.provide(NodeServices.layer))]))
  )
})
