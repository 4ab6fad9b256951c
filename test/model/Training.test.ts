import { assert, describe, it } from "@effect/vitest"
import { Array as Arrays, Cause, Clock, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ReferenceEngine from "../../src/layers/engines/reference/ReferenceEngine.ts"
import * as DiskCheckpoints from "../../src/layers/storage/DiskCheckpoints.ts"
import type { RanOn } from "../../src/metrics/Report.ts"
import { Checkpoints } from "../../src/model/Checkpoints.ts"
import { Engine, modelWeights } from "../../src/model/Engine.ts"
import { initialise } from "../../src/model/initialise.ts"
import { mockEngine } from "../../src/model/MockEngine.ts"
import type { Network } from "../../src/model/Network.ts"
import type { Weights } from "../../src/model/Tensor.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"
import { train, trainTogether } from "../../src/model/Training.ts"
import { BestWeightsLost, TrainingDiverged } from "../../src/model/trainingFaults.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import { Augment } from "../../src/pipeline/Augment.ts"
import { batches } from "../../src/pipeline/batches.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { Images } from "../../src/pipeline/Images.ts"
import { LoaderConfig } from "../../src/pipeline/LoaderConfig.ts"
import { order } from "../../src/pipeline/order.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"
import type { ProgressEvent } from "../../src/pipeline/Progress.ts"
import { Progress } from "../../src/pipeline/Progress.ts"
import { lossesOf } from "../losses.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { columnNamed } from "../columnNamed.ts"

const height = 10
const width = 8
const classes = 3
const seed = 5

/** Batch norm has a state of its own, dropout draws at random: both must come back after a stop. */
const network: Network = {
  name: "tiny",
  height,
  width,
  classes,
  blocks: [
    { _tag: "Conv2d", name: "conv", filters: 6, kernel: [3, 3], stride: 2, padding: 1, bias: false, init: "torch" },
    { _tag: "BatchNorm", name: "norm", eps: 1e-5, momentum: 0.1 },
    { _tag: "Activation", kind: "relu" },
    { _tag: "Flatten" },
    { _tag: "Dropout", name: "dropout", rate: 0.2 },
    { _tag: "Dense", name: "dense", units: classes, bias: true, init: "torch" }
  ]
}

const image = Schema.decodeSync(ImageConfig)({ height, width })
const augment = Schema.decodeSync(AugmentConfig)({ flip: 0.5, noise: 0.05 })
const loader = Schema.decodeSync(LoaderConfig)({})

/** Noise with a bright corner that tells the class; neither square nor symmetric. */
const pixelsOf = (id: string, label: number): Pixels => {
  const random = draw("training test", id)
  const data = Uint8Array.from({ length: height * width * 3 }, () => random.below(120))
  for (let y = 0; y < 4; y++) for (let x = 0; x < 8; x++) data[(y * width + x) * 3 + label] = 250
  return { height, width, data }
}

const samples = Array.from({ length: 22 }, (_, i) => ({
  id: `s${i}`,
  label: i % classes,
  path: `s${i}`,
  digest: "",
  line: i + 2
}))
const validation = Array.from({ length: 7 }, (_, i) => ({
  id: `v${i}`,
  label: i % classes,
  path: `v${i}`,
  digest: "",
  line: i + 30
}))
const data = Layer.mergeAll(
  Images.layerMemory(new Map([...samples, ...validation].map(({ id, label, path }) => [path, pixelsOf(id, label)]))),
  Augment.layer
)
const layers = Layer.mergeAll(data, ReferenceEngine.layer)

type Overrides = typeof TrainConfig.Encoded

const configOf = (overrides: Overrides) =>
  Schema.decodeSync(TrainConfig)({ epochs: 3, batchSize: 6, learningRate: 0.01, ...overrides })

const openSession = Effect.fnUntraced(function* (config: TrainConfig) {
  const engine = yield* Engine
  return yield* engine.open({
    network,
    weights: initialise(network, seed),
    optimizer: config.optimizer,
    labelSmoothing: config.labelSmoothing,
    classWeights: undefined,
    clipNorm: config.clipNorm,
    clipValue: config.clipValue,
    average: config.average,
    seed
  })
})

/** What all trainings learn from. */
const passOf = (config: TrainConfig) => {
  const base = { batchSize: config.batchSize, image, loader, seed }
  return {
    columns: [columnNamed("label", classes)],
    samples: { train: samples.length, validation: validation.length },
    trainingBatches: (epoch: number, from: number) =>
      batches({ ...base, samples, order: order(samples.length, seed, epoch), augment, epoch, from }),
    validationBatches: batches({
      ...base,
      samples: validation,
      order: undefined,
      augment: undefined,
      epoch: 0,
      from: 0
    }),
    ledger: { listed: 29, kept: 29, refused: {} },
    losses: lossesOf({ train: samples, validation })
  }
}

/** A whole training as `trainRun` has it; its end and the weights that it leaves. */
const training = Effect.fnUntraced(function* (overrides: Overrides, digest = "this run") {
  const config = configOf(overrides)
  const session = yield* openSession(config)
  const result = yield* train({ session, config, digest, ...passOf(config) })
  return { ...result, weights: modelWeights(yield* session.snapshot) }
}, Effect.scoped)

/** Trainings on the same batches, each with its files; their ends, and the weights that they leave. */
const trainings = Effect.fnUntraced(function* (
  all: Arrays.NonEmptyReadonlyArray<{ readonly overrides: Overrides; readonly files: Map<string, Uint8Array> }>
) {
  const learners = yield* Effect.forEach(
    all,
    Effect.fnUntraced(function* ({ files, overrides }, i) {
      const config = configOf(overrides)
      const checkpoints = yield* Checkpoints.pipe(Effect.provide(Checkpoints.layerMemory(2, files)))
      return { trial: `trial ${i}`, session: yield* openSession(config), config, digest: "this run", checkpoints }
    })
  )
  const { ended, passes } = yield* trainTogether(learners, passOf(configOf({})))
  const weights = yield* Effect.forEach(learners, ({ session }) => Effect.map(session.snapshot, modelWeights))
  return { outcomes: ended.map(({ outcome }) => outcome), passes, bits: weights.map(bits) }
}, Effect.scoped)

const bits = (weights: Weights) =>
  [...weights].map(
    ([name, { data }]) => `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex")}`
  )

/** Calls back once, after the nth step of the whole run. */
const afterStep = (n: number, then: Effect.Effect<void>) => {
  let steps = 0
  return (event: ProgressEvent) => (event._tag === "Step" && ++steps === n ? then : Effect.void)
}

const figures = (history: ReadonlyArray<{ trainLoss: number; trainAccuracy: number; validationLoss: number | null }>) =>
  history.map(({ trainAccuracy, trainLoss, validationLoss }) => [trainLoss, trainAccuracy, validationLoss])

const steps = 12 // 3 epochs of 4 batches
const variants: ReadonlyArray<Overrides> = [
  { optimizer: { kind: "adam" }, schedule: { kind: "one-cycle" } },
  { optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 }, select: "last", labelSmoothing: 0.1 },
  { optimizer: { kind: "adamw", weightDecay: 0.01 }, average: { decay: 0.3, everySteps: 2 } },
  { optimizer: { kind: "lion" }, average: { kind: "swa", from: 0.4 }, select: "last" }
]

describe("Training", () => {
  it.effect("learns a tiny set", () =>
    Effect.gen(function* () {
      const { history } = yield* training({ epochs: 30 }).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      assert.isBelow(history.at(-1)!.trainLoss, 0.12)
      assert.strictEqual(history.at(-1)!.validationAccuracy, 1)
      assert.isAbove(history[0]!.trainLoss, 0.6)
    }).pipe(Effect.provide(layers))
  )

  for (const overrides of variants)
    it.effect(`interrupted after any step and resumed, it ends with the same bits (${overrides.optimizer?.kind})`, () =>
      Effect.gen(function* () {
        const whole = yield* training(overrides).pipe(Effect.provide(Checkpoints.layerMemory(2)))
        for (let stop = 1; stop <= steps; stop++) {
          const checkpoints = Checkpoints.layerMemory(2, new Map())
          // The fiber that trains interrupts itself, as Ctrl-C would, while the step is reported.
          const interrupted = yield* Effect.gen(function* () {
            const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
              training(overrides).pipe(
                Effect.provideService(
                  Progress,
                  afterStep(
                    stop,
                    Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
                  )
                )
              )
            )
            return yield* Fiber.await(fiber)
          }).pipe(Effect.provide(checkpoints))
          assert.isTrue(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause), `stopped at ${stop}`)
          const { checkpoint } = yield* Checkpoints.use((all) => all.latest("this run")).pipe(
            Effect.provide(checkpoints)
          )
          assert.isAtLeast(checkpoint!.training.step, stop)
          assert.isAtMost(checkpoint!.training.step, stop + 1)
          const resumed = yield* training(overrides).pipe(Effect.provide(checkpoints))
          assert.deepStrictEqual(bits(resumed.weights), bits(whole.weights), `stopped after step ${stop}`)
          assert.deepStrictEqual(figures(resumed.history), figures(whole.history))
          assert.strictEqual(resumed.chosenEpoch, whole.chosenEpoch)
        }
      }).pipe(Effect.provide(layers))
    )

  it.effect("killed after any step and resumed, it ends with the same bits", () =>
    Effect.gen(function* () {
      const overrides: Overrides = { checkpoint: { everySteps: 3, keep: 1 }, select: "last" }
      const whole = yield* training(overrides).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      for (let stop = 1; stop <= steps; stop++) {
        const checkpoints = Checkpoints.layerMemory(2, new Map())
        const killed = yield* training(overrides).pipe(
          Effect.provideService(Progress, afterStep(stop, Effect.die("killed"))),
          Effect.provide(checkpoints),
          Effect.exit
        )
        assert.isTrue(Exit.isFailure(killed))
        const resumed = yield* training(overrides).pipe(Effect.provide(checkpoints))
        assert.deepStrictEqual(bits(resumed.weights), bits(whole.weights), `killed after step ${stop}`)
      }
    }).pipe(Effect.provide(layers))
  )

  it.effect("trained with others it has the bits that it has alone, killed at any step or epoch's end", () =>
    Effect.gen(function* () {
      // Their checkpoints lie apart: by a step, by two, by an epoch.
      const several: Arrays.NonEmptyReadonlyArray<Overrides> = [
        { ...variants[0], epochs: 2, checkpoint: { everySteps: 1 } },
        { ...variants[1], epochs: 3, checkpoint: { everySteps: 3 } },
        { ...variants[2], epochs: 2 }
      ]
      const alone = yield* Effect.forEach(several, (overrides) =>
        training(overrides).pipe(Effect.provide(Checkpoints.layerMemory(2, new Map())))
      )
      const begin = () => Arrays.map(several, (overrides) => ({ overrides, files: new Map<string, Uint8Array>() }))
      const apart = new Set<string>()
      let stop = 0
      for (; ; stop++) {
        const all = begin()
        let events = 0
        const killed = yield* trainings(all).pipe(
          Effect.provideService(Progress, ({ _tag }) =>
            (_tag === "Step" || _tag === "Epoch") && ++events === stop ? Effect.die("killed") : Effect.void
          ),
          Effect.exit
        )
        apart.add(
          all
            .map(({ files }) =>
              Math.max(0, ...[...files.keys()].map((file) => Number(/step-(\d+)/.exec(file)?.[1] ?? 0)))
            )
            .join()
        )
        const whole = Exit.isSuccess(killed) ? killed.value : yield* trainings(all)
        for (const [i, { history, weights }] of alone.entries()) {
          assert.deepStrictEqual(whole.bits[i], bits(weights), `learner ${i}, killed at event ${stop}`)
          assert.deepStrictEqual(figures(whole.outcomes[i]!.history), figures(history))
        }
        if (stop > 0 && Exit.isSuccess(killed)) break
      }
      // Twelve steps of four a pass, and the ends of seven epochs.
      assert.strictEqual(stop, 20)
      for (const steps of ["2,0,0", "4,3,0", "4,4,0", "8,8,4"]) assert.include([...apart], steps)
    }).pipe(Effect.provide(layers))
  )

  it.effect("counts the batches that are made for several, and those that each would want", () =>
    Effect.gen(function* () {
      const { outcomes, passes } = yield* trainings(
        Arrays.map([1, 2, 2] as const, (epochs) => ({ overrides: { epochs }, files: new Map<string, Uint8Array>() }))
      )
      assert.deepStrictEqual(
        outcomes.map(({ history, state }) => [state, history.length]),
        [
          ["finished", 1],
          ["finished", 2],
          ["finished", 2]
        ]
      )
      const epoch = samples.length + validation.length
      assert.deepStrictEqual(passes, { wanted: 5 * epoch, made: 2 * epoch })
    }).pipe(Effect.provide(layers))
  )

  it.effect("a run that has ended is not trained again", () =>
    Effect.gen(function* () {
      const checkpoints = Checkpoints.layerMemory(2, new Map())
      const first = yield* training({}).pipe(Effect.provide(checkpoints))
      let trained = 0
      const again = yield* training({}).pipe(
        Effect.provide(checkpoints),
        Effect.provideService(Progress, (event) => Effect.sync(() => void (trained += event._tag === "Step" ? 1 : 0)))
      )
      assert.strictEqual(trained, 0)
      assert.deepStrictEqual(bits(again.weights), bits(first.weights))
    }).pipe(Effect.provide(layers))
  )

  it.effect("stops early, with the weights of the best epoch", () =>
    Effect.gen(function* () {
      // A rate so high that the validation loss soon gets worse.
      const overrides: Overrides = { epochs: 40, learningRate: 0.2, earlyStopping: { patience: 3 } }
      const { chosenEpoch, history, stoppedEarly, weights } = yield* training(overrides).pipe(
        Effect.provide(Checkpoints.layerMemory(2))
      )
      assert.isTrue(stoppedEarly)
      const losses = history.map(({ validationLoss }) => validationLoss!)
      assert.strictEqual(chosenEpoch, losses.indexOf(Math.min(...losses)) + 1)
      assert.strictEqual(history.length, chosenEpoch + 3)
      const upToBest = yield* training({ ...overrides, epochs: chosenEpoch, select: "last" }).pipe(
        Effect.provide(Checkpoints.layerMemory(2))
      )
      assert.deepStrictEqual(bits(weights), bits(upToBest.weights))
    }).pipe(Effect.provide(layers))
  )

  it.effect("validates and keeps the average of the weights, where there is one", () =>
    Effect.gen(function* () {
      const run = (overrides: Overrides) => training(overrides).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      const overrides: Overrides = { epochs: 4, learningRate: 0.1, average: { decay: 0.5 } }
      const plain = yield* run({ ...overrides, average: { decay: 0 } })
      const averaged = yield* run(overrides)
      assert.deepStrictEqual(bits(plain.weights), bits((yield* run({ epochs: 4, learningRate: 0.1 })).weights))
      const losses = (of: typeof plain, key: "trainLoss" | "validationLoss") => of.history.map((record) => record[key])
      assert.deepStrictEqual(losses(averaged, "trainLoss"), losses(plain, "trainLoss"))
      assert.notDeepEqual(losses(averaged, "validationLoss"), losses(plain, "validationLoss"))
      const upToBest = yield* run({ ...overrides, epochs: averaged.chosenEpoch, select: "last" })
      assert.deepStrictEqual(bits(averaged.weights), bits(upToBest.weights))
      assert.notDeepEqual(bits(averaged.weights), bits(plain.weights))
    }).pipe(Effect.provide(layers))
  )

  it.effect("keeps the equal mean of the weights at the ends of the last epochs, with statistics of their own", () =>
    Effect.gen(function* () {
      const run = (overrides: Overrides) =>
        training({ epochs: 4, learningRate: 0.1, select: "last", ...overrides }).pipe(
          Effect.provide(Checkpoints.layerMemory(2))
        )
      const plain = yield* run({})
      const averaged = yield* run({ average: { kind: "swa", from: 0.5 } })
      const losses = (of: typeof plain, key: "trainLoss" | "validationLoss") => of.history.map((record) => record[key])
      assert.deepStrictEqual(losses(averaged, "trainLoss"), losses(plain, "trainLoss"))
      // Before it begins, the weights themselves are validated.
      assert.deepStrictEqual(
        losses(averaged, "validationLoss").slice(0, 2),
        losses(plain, "validationLoss").slice(0, 2)
      )
      for (const at of [2, 3])
        assert.notStrictEqual(losses(averaged, "validationLoss")[at], losses(plain, "validationLoss")[at])
      const third = yield* run({ epochs: 3 })
      for (const [name, { data }] of averaged.weights) {
        const [a, b] = [third.weights.get(name)?.data ?? [], plain.weights.get(name)?.data ?? []]
        if (name.includes("running_")) assert.notDeepEqual(data, b, name)
        else for (const [i, x] of data.entries()) assert.closeTo(x, (a[i]! + b[i]!) / 2, 1e-6, name)
      }
    }).pipe(Effect.provide(layers))
  )

  it.effect("stops when the validation loss has not fallen for as many epochs as it has patience", () => {
    const rightLogit = [1, 2, 3, 2.5, 1, 2.9, 5, 6]
    const { given, layer } = mockEngine({
      logits: ({ labels }, row, steps) =>
        Array.from({ length: classes }, (_, c) => (c === labels[row] ? rightLogit[steps / 4 - 1]! : 0))
    })
    return Effect.gen(function* () {
      const { chosenEpoch, history, stoppedEarly } = yield* training({ epochs: 8, earlyStopping: { patience: 3 } })
      assert.deepStrictEqual([chosenEpoch, history.length, stoppedEarly], [3, 6, true])
      for (const [i, { validationLoss }] of history.entries())
        assert.closeTo(validationLoss!, Math.log(1 + 2 / Math.exp(rightLogit[i]!)), 1e-6)
      assert.strictEqual(given.trained.length, 24)
    }).pipe(Effect.provide([data, layer, Checkpoints.layerMemory(2)]))
  })

  it.effect("a loss that is no number stops the run, and says where and what to try", () => {
    // The third step of the second epoch.
    const { given, layer } = mockEngine({ loss: (step) => (step === 6 ? Number.NaN : 1) })
    return Effect.gen(function* () {
      const error = yield* Effect.flip(training({ epochs: 20 }))
      assert.instanceOf(error, TrainingDiverged)
      assert.match(error.message, /The loss became NaN at step 3 of epoch 2.*train\.learningRate/s)
      assert.deepStrictEqual(
        given.trained.map(({ step }) => step),
        [0, 1, 2, 3, 4, 5, 6]
      )
    }).pipe(Effect.provide([data, layer, Checkpoints.layerMemory(2)]))
  })

  it.effect("checkpoints of other data are not trained over", () =>
    Effect.gen(function* () {
      const checkpoints = Checkpoints.layerMemory(2, new Map())
      yield* training({ epochs: 1 }).pipe(Effect.provide(checkpoints))
      const error = yield* training({ epochs: 1 }, "other data").pipe(Effect.provide(checkpoints), Effect.flip)
      assert.strictEqual(error._tag, "ForeignCheckpoints")
    }).pipe(Effect.provide(layers))
  )

  it.effect("the best weights are taken where they are of the best epoch, and never of another one", () =>
    Effect.gen(function* () {
      // A rate so high that the validation loss soon gets worse.
      const overrides: Overrides = { epochs: 40, learningRate: 0.2, earlyStopping: { patience: 3 } }
      const files = new Map<string, Uint8Array>()
      const checkpoints = Checkpoints.layerMemory(2, files)
      const { chosenEpoch, history } = yield* training(overrides).pipe(Effect.provide(checkpoints))
      const { best: kept } = yield* Checkpoints.use((all) => all.best("this run")).pipe(Effect.provide(checkpoints))
      assert.isDefined(kept)
      assert.deepInclude(kept, { epoch: chosenEpoch, step: 4 * chosenEpoch })
      for (const other of [{ epoch: chosenEpoch - 1 }, { step: kept.step + 1 }, { figure: kept.figure / 2 }]) {
        yield* Checkpoints.use((all) => all.saveBest({ ...kept, ...other })).pipe(Effect.provide(checkpoints))
        const error = yield* training(overrides).pipe(Effect.provide(checkpoints), Effect.flip)
        assert.instanceOf(error, BestWeightsLost)
        const found = { ...kept, ...other }
        assert.include(
          error.message,
          `has those of epoch ${found.epoch}, step ${found.step}, with a validationLoss of ${found.figure}`
        )
        assert.include(error.message, `The weights of epoch ${chosenEpoch}, the best one,`)
      }
      yield* Checkpoints.use((all) => all.saveBest(kept)).pipe(Effect.provide(checkpoints))
      const again = yield* training(overrides).pipe(Effect.provide(checkpoints))
      assert.deepStrictEqual(again.history, history)
    }).pipe(Effect.provide(layers))
  )

  it.effect("the history names each epoch's engine, and the seconds are the sum over the processes", () =>
    Effect.gen(function* () {
      const on = { wasm: { engine: "wasm", device: "CPU" }, gpu: { engine: "tensorflow", device: "GPU" } }
      const config = configOf({ epochs: 3, checkpoint: { everySteps: 1 }, select: "last" })
      /** A process that begins 5 seconds before it opens the run, and whose steps take a second. */
      const process = Effect.fnUntraced(function* (ranOn: RanOn) {
        const start = yield* Clock.currentTimeNanos
        yield* TestClock.adjust("5 seconds")
        const opened = yield* openSession(config)
        const session = {
          ...opened,
          train: (...step: Parameters<typeof opened.train>) =>
            Effect.andThen(TestClock.adjust("1 second"), opened.train(...step))
        }
        const { history, secondsBefore } = yield* train({
          session,
          config,
          digest: "this run",
          ranOn,
          start,
          ...passOf(config)
        })
        return { history, seconds: secondsBefore + Number((yield* Clock.currentTimeNanos) - start) / 1e9 }
      }, Effect.scoped)
      const checkpoints = Checkpoints.layerMemory(2, new Map())
      // Killed in the second epoch, after six of the run's twelve steps, a minute after the last checkpoint.
      const killed = yield* process(on.wasm).pipe(
        Effect.provideService(
          Progress,
          afterStep(7, Effect.andThen(TestClock.adjust("1 minute"), Effect.die("killed")))
        ),
        Effect.provide(checkpoints),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(killed))
      const { history, seconds } = yield* process(on.gpu).pipe(Effect.provide(checkpoints))
      assert.deepStrictEqual(
        history.map(({ ranOn }) => ranOn),
        [[on.wasm], [on.wasm, on.gpu], [on.gpu]]
      )
      // Five seconds and six steps, and five seconds and six steps: what was lost with the process is not known.
      assert.closeTo(seconds, 22, 1e-6)
      const finished = yield* process(on.gpu).pipe(Effect.provide(checkpoints))
      assert.deepStrictEqual(finished.history, history)
      assert.closeTo(finished.seconds, 27, 1e-6)
    }).pipe(Effect.provide(layers))
  )

  it.effect("is begun when its checkpoints fit, before its first step, and not where they are of other data", () =>
    Effect.gen(function* () {
      const config = configOf({ epochs: 1 })
      const checkpoints = Checkpoints.layerMemory(2, new Map())
      const happened: Array<string> = []
      const once = Effect.fnUntraced(function* (digest: string) {
        const session = yield* openSession(config)
        const begin = () => Effect.sync(() => void happened.push(`begun ${digest}`))
        return yield* train({ session, config, digest, begin, ...passOf(config) })
      }, Effect.scoped)
      const watched = (event: ProgressEvent) =>
        Effect.sync(() => void (event._tag === "Step" && event.step === 1 ? happened.push("first step") : 0))
      yield* once("a").pipe(Effect.provide(checkpoints), Effect.provideService(Progress, watched))
      assert.strictEqual((yield* Effect.flip(once("b").pipe(Effect.provide(checkpoints))))._tag, "ForeignCheckpoints")
      assert.deepStrictEqual(happened, ["begun a", "first step"])
    }).pipe(Effect.provide([data, mockEngine().layer]))
  )

  it.effect("a torn checkpoint is reported and not used, and the one before it leads to the same bits", () =>
    Effect.gen(function* () {
      const whole = yield* training({}).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      const files = new Map<string, Uint8Array>()
      const checkpoints = Checkpoints.layerMemory(3, files)
      yield* training({}).pipe(Effect.provide(checkpoints))
      const newest = [...files.keys()]
        .filter((name) => name.startsWith("step-"))
        .sort()
        .at(-1)!
      files.set(newest, files.get(newest)!.slice(0, -100))
      const notes: Array<string> = []
      const resumed = yield* training({}).pipe(
        Effect.provide(checkpoints),
        Effect.provideService(Progress, (event) =>
          Effect.sync(() => void (event._tag === "Note" ? notes.push(event.line) : 0))
        )
      )
      assert.isTrue(notes.some((note) => note.includes(newest)))
      assert.deepStrictEqual(bits(resumed.weights), bits(whole.weights))
    }).pipe(Effect.provide(layers))
  )

  it.effect("checkpoints on disk lead to the same bits as well", () =>
    Effect.gen(function* () {
      const whole = yield* training({}).pipe(Effect.provide(Checkpoints.layerMemory(2)))
      const checkpoints = DiskCheckpoints.layer(yield* temporaryFolder, 2)
      yield* training({}).pipe(
        Effect.provideService(Progress, afterStep(6, Effect.die("killed"))),
        Effect.provide(checkpoints),
        Effect.exit
      )
      const resumed = yield* training({}).pipe(Effect.provide(checkpoints))
      assert.deepStrictEqual(bits(resumed.weights), bits(whole.weights))
    }).pipe(Effect.provide(layers))
  )

  it.effect("waiting is the time in which the next batch is not there: neither a step's nor a checkpoint's", () =>
    Effect.gen(function* () {
      const config = configOf({ epochs: 1, batchSize: 2, checkpoint: { everySteps: 1 }, select: "last" })
      const opened = yield* openSession(config)
      const area = height * width * 3
      const { history } = yield* train({
        session: {
          ...opened,
          train: (...step) => Effect.andThen(TestClock.adjust("30 millis"), opened.train(...step)),
          snapshot: Effect.andThen(TestClock.adjust("100 millis"), opened.snapshot)
        },
        config,
        columns: [columnNamed("label", classes)],
        samples: { train: 6, validation: 0 },
        trainingBatches: () =>
          Stream.fromArray([0, 1, 2]).pipe(
            Stream.rechunk(1),
            Stream.map((index) => ({
              index,
              images: new Float32Array(2 * area),
              labels: Int32Array.of(0, 1),
              ids: [],
              size: 2,
              height,
              width
            })),
            Stream.mapEffect((batch) => Effect.as(TestClock.adjust("10 millis"), batch))
          ),
        validationBatches: Stream.empty,
        digest: "waiting",
        ledger: { listed: 6, kept: 6, refused: {} },
        losses: lossesOf({})
      }).pipe(Effect.provide(Checkpoints.layerMemory(1)))
      const [epoch] = history
      // Three times 10 ms for a batch and 30 ms for a step, and two checkpoints of 100 ms in between.
      assert.closeTo(epoch!.waiting!, 30 / 320, 1e-9)
      assert.closeTo(epoch!.imagesPerSecond, 6 / 0.32, 1e-6)
    }).pipe(Effect.scoped, Effect.provide([data, mockEngine().layer]))
  )
})
