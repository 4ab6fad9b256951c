import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Schema } from "effect"
import type { Scope } from "effect"
import { Toml } from "effect/encoding"
import { copyFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FileRows from "../../../src/layers/sources/FileRows.ts"
import * as DiskFeatureCache from "../../../src/layers/storage/DiskFeatureCache.ts"
import * as DiskRuns from "../../../src/layers/storage/DiskRuns.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import * as WasmEngine from "../../../src/layers/engines/wasm/WasmEngine.ts"
import { layerWith } from "../../../src/layers/images/feed/WorkerFeed.ts"
import type { Report } from "../../../src/metrics/Report.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { initialise } from "../../../src/model/initialise.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { decodePredictions } from "../../../src/model/StoredPredictions.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { Feed } from "../../../src/pipeline/Feed.ts"
import { RefusalLines } from "../../../src/pipeline/Ledger.ts"
import { order } from "../../../src/pipeline/order.ts"
import * as Pipeline from "../../../src/pipeline/Pipeline.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { evaluateRuns } from "../../../src/run/evaluate/evaluateRuns.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { trainTrials } from "../../../src/run/train/trainTrials.ts"
import { verifyRun } from "../../../src/run/verify/verifyRun.ts"
import { catalogueConfig, writeCatalogue } from "../../catalogue.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const size = { height: 50, width: 48 }

/** Weights as of a file. */
const trained = initialise(simpleCnn.build({ ...size, classes: 3 }), 99)

const stages = Layer.merge(SharpImages.layer, Augment.layer)

/** Every stage as the command line has it; in threads, or on this one. */
const layersWith = (features: string, inThreads = true) =>
  Layer.mergeAll(
    FileRows.layer,
    SampleCatalogue.layerAt("nowhere"),
    Engines.layerOf(WasmEngine.layer),
    Machine.layerTest,
    Pretrained.layerMemory({ trained: { metadata: {}, tensors: trained } }),
    OnnxFeatures.layer,
    Products.layerPlain,
    DiskRuns.layer,
    DiskFeatureCache.layer({ folder: features }),
    inThreads ? layerWith(2).pipe(Layer.provideMerge(stages)) : Layer.merge(stages, Layer.succeed(Feed, undefined))
  ).pipe(Layer.provideMerge(NodeServices.layer))

interface Changes {
  readonly data?: object
  readonly train?: object
  readonly loader?: object
  readonly network?: object
  readonly features?: object
}

/** A catalogue of 36 photos in a folder of its own, and a configuration of three epochs of five batches for it. */
const catalogue = Effect.fnUntraced(function* (changes: Changes = {}) {
  const folder = yield* temporaryFolder
  const data = join(folder, "data")
  yield* Effect.promise(() => writeCatalogue(data))
  // A photo that is in no row.
  copyFileSync(join(data, "photos", "plum-0.png"), join(data, "photos", "another.png"))
  const raw = yield* Effect.fromResult(Toml.parse(catalogueConfig(data)))
  const table = (key: string) => raw[key] as object // the text has these tables
  const config = yield* decodeRunConfig(
    {
      ...raw,
      calibration: {},
      augment: { flip: 0.5 },
      ...changes,
      data: {
        ...table("data"),
        split: { train: 0.5, validation: 0.25, test: 0.25 },
        maxRefused: 0.3,
        ...changes.data
      },
      train: { ...table("train"), epochs: 3, batchSize: 4, ...changes.train }
    },
    "test"
  )
  const dataset = yield* Pipeline.dataset(config)
  return { config, data, folder, dataset, path: join(folder, "run") }
})
type Catalogue = Effect.Success<ReturnType<typeof catalogue>>

/** The sample at the front of a batch (from 0) of an epoch (from 0). */
const inBatch = (
  {
    config: {
      seed,
      train: { batchSize }
    },
    dataset: { train }
  }: Catalogue,
  epoch: number,
  batch: number
) => train[order(train.length, seed, epoch)[batch * batchSize]!]! // there are so many

/** One photo of each part; that of the training part is the fourth batch's of the second epoch, and of none before. */
const photosOf = (all: Catalogue) => [inBatch(all, 1, 3), all.dataset.validation[2]!, all.dataset.test[1]!] as const

type Watch = (event: ProgressEvent) => Effect.Effect<void>

const open = (path: string) => Runs.use((runs) => runs.open(path, 2))

const train = Effect.fnUntraced(function* (config: RunConfig, path: string, watch: Watch = () => Effect.void) {
  const { checkpoints, folder } = yield* open(path)
  return yield* trainRun(config).pipe(
    Effect.provideService(RunFolder, folder),
    Effect.provideService(Checkpoints, checkpoints),
    Effect.provideService(Progress, watch)
  )
})

/** Does something when so many steps of an epoch (from 0) are done: once. */
const after = (epoch: number, step: number, then: Effect.Effect<void>): Watch => {
  let isDone = false
  return (event) => {
    if (isDone || event._tag !== "Step" || event.epoch !== epoch || event.step !== step) return Effect.void
    isDone = true
    return then
  }
}

const together =
  (...watches: ReadonlyArray<Watch>): Watch =>
  (event) =>
    Effect.forEach(watches, (watch) => watch(event), { discard: true })

/** Trains until so many steps of an epoch are done, and is interrupted there, as by Ctrl-C. */
const stopAfter = Effect.fnUntraced(function* (
  epoch: number,
  step: number,
  config: RunConfig,
  path: string,
  watch: Watch = () => Effect.void
) {
  const stop = after(
    epoch,
    step,
    Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
  )
  const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(train(config, path, together(watch, stop)))
  const exit = yield* Fiber.await(fiber)
  assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
})

const ledgerOf = (path: string) =>
  Effect.orDie(Schema.decodeEffect(RefusalLines)(readFileSync(join(path, "ledger.jsonl"), "utf8")))

/** What left during the run, by id. */
const lostOf = Effect.fnUntraced(function* (path: string) {
  const lines = yield* ledgerOf(path)
  return Object.fromEntries(
    lines.flatMap(({ epoch, id, part, reason }) => (epoch === undefined ? [] : [[id, { part, epoch, reason }]]))
  )
})

/** All that a run's result is made of, but for times. */
const resultOf = (path: string) => {
  const bytes = (file: string) => readFileSync(join(path, file)).toString("base64")
  // The run has written it.
  const { data, history, receipt, test } = JSON.parse(readFileSync(join(path, "report.json"), "utf8")) as Report
  return {
    model: bytes("model/model.safetensors"),
    validation: bytes("predictions/validation.safetensors"),
    test: bytes("predictions/test.safetensors"),
    ledger: bytes("ledger.jsonl"),
    figures: {
      data,
      test,
      digest: receipt.dataDigest,
      history: history.map(({ epoch, trainAccuracy, trainLoss, validationAccuracy, validationLoss }) => ({
        epoch,
        trainAccuracy,
        trainLoss,
        validationAccuracy,
        validationLoss
      }))
    }
  }
}

const verify = (config: RunConfig, path: string) =>
  Effect.flatMap(open(path), ({ folder }) =>
    verifyRun(config, { data: true, samples: Infinity }).pipe(Effect.provideService(RunFolder, folder))
  )

const assertVerified = Effect.fnUntraced(function* (config: RunConfig, path: string) {
  const { checks } = yield* verify(config, path)
  assert.deepStrictEqual(
    checks.filter(({ status }) => status !== "agrees"),
    []
  )
})

/** Each count of a report, its predictions and its ledger say the same. */
const assertConsistent = Effect.fnUntraced(function* (path: string, report: Report) {
  const { kept, leftOut = {}, listed, perClass = [], refused, test, train, validation } = report.data
  const sum = (counts: ReadonlyArray<number>) => counts.reduce((total, n) => total + n, 0)
  assert.strictEqual(listed, kept + sum(Object.values(refused)) + sum(Object.values(leftOut)))
  assert.strictEqual(listed, kept + (yield* ledgerOf(path)).length)
  assert.strictEqual(kept, train + validation + test)
  assert.deepStrictEqual(report.receipt.ledger, { listed, kept, refused, leftOut })
  assert.strictEqual(sum(perClass.map(({ test, train, validation }) => train + validation + test)), kept)
  assert.strictEqual(sum(report.test?.perClass.map(({ support }) => support) ?? []), test)
  for (const [part, count] of [["validation", validation] as const, ["test", test] as const]) {
    const file = join(path, "predictions", `${part}.safetensors`)
    assert.strictEqual((yield* decodePredictions(readFileSync(file), file)).samples.length, count)
  }
})

/** Something that happens to a file. */
const mishaps = [
  { name: "deleted", reason: "imageMissing", happen: (path: string) => rmSync(path) },
  { name: "truncated", reason: "imageChanged", happen: (path: string) => truncateSync(path, 60) },
  { name: "emptied", reason: "imageEmpty", happen: (path: string) => writeFileSync(path, "") },
  {
    name: "replaced by a valid image",
    reason: "imageChanged",
    happen: (path: string) => copyFileSync(join(path, "..", "another.png"), path)
  }
]

const losing = (all: Catalogue, happen: (path: string) => void = (path) => rmSync(path)) =>
  Effect.sync(() => {
    for (const { path } of photosOf(all)) happen(path)
  })

/** Runs with every stage, and a folder of features that is the test's own. */
const live = <A, E>(
  use: Effect.Effect<A, E, Layer.Success<ReturnType<typeof layersWith>> | Scope.Scope>,
  inThreads?: boolean
) => Effect.flatMap(temporaryFolder, (folder) => Effect.provide(use, layersWith(folder, inThreads))).pipe(Effect.scoped)

describe("a photo that is lost after the check", () => {
  for (const { happen, name, reason } of mishaps)
    for (const inThreads of [true, false])
      it.live(`costs its sample and no more, ${name}, ${inThreads ? "by the threads" : "image by image"}`, () =>
        live(
          Effect.gen(function* () {
            const all = yield* catalogue()
            const { config, dataset, path } = all
            const notes: Array<string> = []
            const report = yield* train(
              config,
              path,
              together(after(0, 5, losing(all, happen)), (event) =>
                Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
              )
            )
            const [one, seen, asked] = photosOf(all)
            // The last batches of the first epoch were made already, its validation was not.
            assert.deepStrictEqual(yield* lostOf(path), {
              [one.id]: { part: "train", epoch: 2, reason },
              [seen.id]: { part: "validation", epoch: 1, reason },
              [asked.id]: { part: "test", epoch: 3, reason }
            })
            assert.strictEqual(report.history.length, 3)
            assert.deepStrictEqual(
              [report.data.train, report.data.validation, report.data.test],
              [dataset.train.length - 1, dataset.validation.length - 1, dataset.test.length - 1]
            )
            yield* assertConsistent(path, report)
            yield* assertVerified(config, path)
            assert.strictEqual(notes.filter((line) => line.includes("left the run")).length, 3)
          }),
          inThreads
        )
      )

  it.live("leaves the same bits in a run that is interrupted and goes on, wherever that is", () =>
    live(
      Effect.gen(function* () {
        const all = yield* catalogue({ train: { checkpoint: { everySteps: 2 } } })
        const { config, data, folder, path } = all
        const back = join(folder, "back")
        cpSync(data, back, { recursive: true })
        const restore = Effect.sync(() => cpSync(back, data, { recursive: true }))
        yield* train(config, path, after(0, 5, losing(all)))
        const expected = resultOf(path)
        // Before the first loss, which happens while nothing runs; before and after the sample's turn; in a later epoch.
        for (const [epoch, step] of [
          [0, 5],
          [1, 1],
          [1, 4],
          [2, 2]
        ] as const) {
          yield* restore
          const other = join(folder, `stopped ${epoch} ${step}`)
          yield* stopAfter(epoch, step, config, other, epoch === 0 ? undefined : after(0, 5, losing(all)))
          if (epoch === 0) yield* losing(all)
          yield* train(config, other)
          assert.deepStrictEqual(resultOf(other), expected, `epoch ${epoch}, step ${step}`)
        }
        // A photo that has come back changes nothing: the sample has left.
        yield* restore
        const [one, , asked] = photosOf(all)
        const last = join(folder, "back again")
        yield* stopAfter(1, 5, config, last, after(0, 5, losing(all)))
        yield* restore
        const report = yield* train(config, last)
        assert.deepStrictEqual(Object.keys(yield* lostOf(last)).toSorted(), [one.id, photosOf(all)[1].id].toSorted())
        assert.strictEqual(report.data.test, all.dataset.test.length)
        assert.strictEqual(asked.id in (yield* lostOf(last)), false)
        assert.strictEqual(resultOf(last).model, expected.model)
        yield* assertVerified(config, last)
      })
    )
  )

  it.live("is noticed in spite of decoded images in memory or on disk", () =>
    live(
      Effect.gen(function* () {
        const models: Array<unknown> = []
        for (const loader of [{ memory: 0 }, { memory: 64 }, { memory: 0, cache: yield* temporaryFolder }]) {
          const all = yield* catalogue({ loader })
          yield* train(all.config, all.path, after(1, 5, losing(all)))
          const [one, seen, asked] = photosOf(all)
          assert.deepStrictEqual(yield* lostOf(all.path), {
            [one.id]: { part: "train", epoch: 3, reason: "imageMissing" },
            [seen.id]: { part: "validation", epoch: 2, reason: "imageMissing" },
            [asked.id]: { part: "test", epoch: 3, reason: "imageMissing" }
          })
          const { model, test, validation } = resultOf(all.path)
          models.push({ model, test, validation })
        }
        assert.deepStrictEqual(models.slice(1), [models[0], models[0]])
      })
    )
  )

  it.live("is noticed where a frozen part is applied, unless its features are known; resumed, the same", () =>
    live(
      Effect.gen(function* () {
        const network = { weights: "trained", trainable: { from: "fc1" } }
        for (const cache of [false, true]) {
          const all = yield* catalogue({ network, features: { cache }, train: { checkpoint: { everySteps: 2 } } })
          const { config, data, folder, path } = all
          const back = join(folder, "back")
          cpSync(data, back, { recursive: true })
          // A swapped photo must not be kept under the features of the one that was checked.
          const swap = losing(all, mishaps[3]!.happen)
          const report = yield* train(config, path, after(0, 5, swap))
          const [one, , asked] = photosOf(all)
          const lost = yield* lostOf(path)
          assert.deepStrictEqual(
            [lost[one.id], lost[asked.id]],
            [
              { part: "train", epoch: 2, reason: "imageChanged" },
              { part: "test", epoch: 3, reason: "imageChanged" }
            ]
          )
          yield* assertConsistent(path, report)
          yield* assertVerified(config, path)
          cpSync(back, data, { recursive: true })
          const other = join(folder, "other")
          // Seeds and photos are the same: the first run's features are there, and those of the lost one are not.
          yield* stopAfter(1, 2, config, other, after(0, 5, swap))
          yield* train(config, other)
          assert.deepStrictEqual(resultOf(other), resultOf(path), `cache ${cache}`)
          // With all features known, no photo of the training part is needed any more.
          cpSync(back, data, { recursive: true })
          const whole = join(folder, "whole")
          yield* train(config, whole)
          const again = join(folder, "again")
          yield* train(config, again, after(0, 5, swap))
          assert.deepStrictEqual(Object.keys(yield* lostOf(again)).length, cache ? 0 : 3)
          if (cache) assert.strictEqual(resultOf(again).model, resultOf(whole).model)
        }
      })
    )
  )

  it.live("leaves every trial of a search with the result that it has alone, also one that pauses", () =>
    live(
      Effect.gen(function* () {
        const all = yield* catalogue()
        const { config, data, folder } = all
        const back = join(folder, "back")
        cpSync(data, back, { recursive: true })
        const slow = { ...config, train: { ...config.train, learningRate: 0.0005 } }
        const alone = (name: string, config: RunConfig) =>
          Effect.gen(function* () {
            cpSync(back, data, { recursive: true })
            yield* train(config, join(folder, name), after(0, 5, losing(all)))
            return resultOf(join(folder, name))
          })
        const expected = [yield* alone("fast alone", config), yield* alone("slow alone", slow)]
        cpSync(back, data, { recursive: true })
        const paths = ["fast", "slow"].map((name) => join(folder, name))
        const trials = (until?: number) => [
          { id: "fast", config, path: paths[0]!, until },
          { id: "slow", config: slow, path: paths[1]! }
        ]
        const { outcomes } = yield* trainTrials(trials(2)).pipe(
          Effect.provideService(Progress, after(0, 5, losing(all)))
        )
        assert.deepStrictEqual(
          outcomes.map(({ state }) => state),
          ["paused", "finished"]
        )
        yield* trainTrials(trials())
        assert.deepStrictEqual(
          paths.map((path) => resultOf(path)),
          expected
        )
      })
    )
  )

  it.live("ends the run above the budget; once the photos are back, it goes on as if nothing had been", () =>
    live(
      Effect.gen(function* () {
        const all = yield* catalogue({ data: { maxRefused: 0.1 } })
        const { config, data, dataset, folder, path } = all
        const back = join(folder, "back")
        cpSync(data, back, { recursive: true })
        const whole = join(folder, "whole")
        yield* train(config, whole)
        // 39 rows are listed and 3 are faulty: one more is too many.
        const unmount = Effect.sync(() => {
          for (const part of ["train", "validation", "test"] as const)
            for (const { path } of dataset[part]) rmSync(path)
        })
        const error = yield* Effect.flip(train(config, path, after(0, 5, unmount)))
        if (error._tag !== "DataUnusable") return assert.fail(error._tag)
        assert.strictEqual(error.reason, "tooManyRefused")
        assert.match(error.message, /photo not found/)
        // What was lost until then is in the ledger, beside what was refused before.
        const refused = dataset.ledger.refusals.length
        const lines = yield* Schema.decodeEffect(RefusalLines)(readFileSync(join(path, "ledger.jsonl"), "utf8"))
        const lost = lines.filter(({ part }) => part !== undefined)
        assert.isAbove(lost.length, 0)
        assert.strictEqual(lines.length, refused + lost.length)
        for (const { detail, reason } of lost) {
          assert.strictEqual(reason, "imageMissing")
          assert.include(detail, "there is no such file")
        }
        assert.include(error.message, `at least ${lines.length} of the 39 listed rows are faulty`)
        cpSync(back, data, { recursive: true })
        yield* train(config, path)
        assert.deepStrictEqual(resultOf(path), resultOf(whole))
        assert.strictEqual(
          readFileSync(join(path, "ledger.jsonl"), "utf8"),
          readFileSync(join(whole, "ledger.jsonl"), "utf8")
        )
      })
    )
  )

  it.live("of the validation part, after the epoch that is chosen, leaves a run that agrees with itself", () =>
    live(
      Effect.gen(function* () {
        // No epoch is better than the first by so much.
        const all = yield* catalogue({
          train: { epochs: 2, monitor: "validationLoss", earlyStopping: { minDelta: 1e6 } }
        })
        const { config, path } = all
        const [, seen] = photosOf(all)
        const report = yield* train(
          config,
          path,
          after(
            1,
            5,
            Effect.sync(() => rmSync(seen.path))
          )
        )
        assert.strictEqual(report.chosenEpoch, 1)
        const { agrees, checks } = yield* verify(config, path)
        assert.isTrue(agrees)
        assert.deepStrictEqual(
          checks.filter(({ status }) => status !== "agrees").map(({ what }) => what),
          ["validation metrics"]
        )
      })
    )
  )

  it.live("is left out when a finished run is measured again, and moves no other sample", () =>
    live(
      Effect.gen(function* () {
        const all = yield* catalogue({ data: { maxRefused: 0.2 } })
        const { config, dataset, path } = all
        const report = yield* train(config, path)
        const { folder } = yield* open(path)
        const evaluate = evaluateRuns([{ config, folder }], "test")
        const whole = yield* evaluate
        assert.strictEqual(whole.samples, dataset.test.length)
        assert.strictEqual(whole.report?.accuracy, report.test?.accuracy)
        const support = (report: typeof whole.report) => report?.perClass.map(({ support }) => support)
        const [gone, ...others] = dataset.test
        for (const { path } of [gone!, dataset.train[0]!, dataset.validation[0]!]) rmSync(path)
        const less = yield* evaluate
        assert.strictEqual(less.samples, dataset.test.length - 1)
        assert.deepStrictEqual(
          support(less.report),
          dataset.classes.map((_, i) => others.filter(({ label }) => label === i).length)
        )
        assert.strictEqual(less.members[0].dataDigest, whole.members[0].dataDigest)
        // What the run has not lost is a difference to what it says.
        const { checks } = yield* verify(config, path)
        assert.include(
          checks.filter(({ status }) => status === "differs").map(({ what }) => what),
          "data"
        )
        for (const { path } of others) rmSync(path)
        const error = yield* Effect.flip(evaluate)
        assert.strictEqual(error._tag, "DataUnusable")
      })
    )
  )
})
