import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import * as Runtime from "effect/Runtime"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Engine, EngineUnavailable } from "../../../src/model/Engine.ts"
import type { EngineConfig, EngineName } from "../../../src/model/EngineConfig.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Features, FeaturesError } from "../../../src/model/Features.ts"
import { initialise } from "../../../src/model/initialise.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { findLearningRate } from "../../../src/run/train/findLearningRate.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { Pages } from "../../../src/run/report/Pages.ts"
import { evaluateRuns } from "../../../src/run/evaluate/evaluateRuns.ts"
import { readRunEngine } from "../../../src/run/train/RunEngine.ts"
import type { RunFile } from "../../../src/run/RunFolder.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { checkRuns } from "../../../src/run/search/checkRuns.ts"
import { finishedRun, trainRun } from "../../../src/run/train/trainRun.ts"

const size = { height: 48, width: 50 }
const kinds = ["cap", "scarf"]
const table = [["id", "label"], ...kinds.flatMap((kind) => Array.from({ length: 7 }, (_, i) => [`${kind}${i}`, kind]))]
const photos = new Map(
  table.slice(1).map(([id = "", kind = ""]) => {
    const random = draw("runIntegrity test", id)
    const data = Uint8Array.from(
      { length: size.height * size.width * 3 },
      (_, i) => random.below(90) + (i % 3 === kinds.indexOf(kind) ? 150 : 0)
    )
    return [`shop/images/${id}.jpg`, { ...size, data }] as const
  })
)

/** What runs on this machine now, the preferred first, and what was asked for. */
interface Machinery {
  readonly engines: Array<EngineName>
  readonly asked: Array<string>
  features: boolean
}

/** Engines of several names, all of which compute as the reference does. */
const enginesOf = (machinery: Machinery) =>
  Layer.effect(
    Engines,
    Effect.map(Engine, (engine) => ({
      choose: (config: EngineConfig) =>
        Effect.suspend(() => {
          machinery.asked.push(`${config.name} ${config.device}`)
          const name = config.name === "auto" ? machinery.engines[0] : config.name
          if (name === undefined || !machinery.engines.includes(name))
            return Effect.fail(
              new EngineUnavailable({ engine: config.name, reason: "it is not installed", cure: "Install it." })
            )
          return Effect.succeed({ ...engine, info: { name, device: "CPU, here", versions: {} } })
        }),
      survey: () => Effect.succeed([])
    }))
  ).pipe(Layer.provide(ReferenceEngine.layer))

/** onnxruntime, where it is there. */
const featuresOf = (machinery: Machinery) =>
  Layer.effect(
    Features,
    Effect.map(Features, (features) => ({
      ...features,
      open: (...[frozen, by]: Parameters<typeof features.open>) =>
        machinery.features
          ? features.open(frozen, by)
          : Effect.fail(new FeaturesError({ engine: by ?? "onnxruntime", reason: "unavailable", detail: "it is gone" }))
    }))
  ).pipe(Layer.provideMerge(Products.layerPlain), Layer.provide(OnnxFeatures.layer))

const layersOf = (machinery: Machinery, rows = table) =>
  Layer.mergeAll(
    Rows.layerMemory(new Map([["shop/styles.csv", rows]])),
    Images.layerMemory(photos),
    Augment.layer,
    SampleCatalogue.layerAt("nowhere"),
    enginesOf(machinery),
    Machine.layerTest,
    Pretrained.layerMemory({
      trained: { metadata: {}, tensors: initialise(simpleCnn.build({ ...size, classes: kinds.length }), 99) }
    }),
    FeatureCache.layerMemory,
    featuresOf(machinery),
    RunFolder.layerMemory,
    Checkpoints.layerMemory(2)
  )

const machine = (...engines: ReadonlyArray<EngineName>): Machinery => ({
  engines: [...engines],
  asked: [],
  features: true
})

const configOf = (overrides: object = {}) =>
  decodeRunConfig(
    {
      data: { root: "shop", minPerClass: 3, split: { train: 0.6, validation: 0.2, test: 0.2 } },
      image: size,
      train: { epochs: 4, batchSize: 4, select: "last" },
      ...overrides
    },
    "test"
  )

const files: ReadonlyArray<RunFile> = [
  "config.json",
  "engine.json",
  "ledger.jsonl",
  "steps.jsonl",
  "history.jsonl",
  "report.json",
  "report.html",
  "model/model.safetensors"
]
const filesThere = Effect.gen(function* () {
  const folder = yield* RunFolder
  const there = yield* Effect.forEach(files, (file) => Effect.map(folder.has(file), (has) => (has ? [file] : [])))
  return there.flat()
})

/** A run that is interrupted at the end of an epoch. */
const interruptedAfter = Effect.fnUntraced(function* (
  epoch: number,
  config: Effect.Success<ReturnType<typeof configOf>>
) {
  const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
    trainRun(config).pipe(
      Effect.provideService(Progress, (event: ProgressEvent) =>
        event._tag === "Epoch" && event.record.epoch === epoch
          ? Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
          : Effect.void
      )
    )
  )
  const exit = yield* Fiber.await(fiber)
  assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
})

const namesOf = (history: ReadonlyArray<{ readonly ranOn?: ReadonlyArray<{ readonly engine: string }> }>) =>
  history.map(({ ranOn }) => ranOn?.map(({ engine }) => engine).join())

describe("a run's engine", () => {
  it.effect("stays, whatever would be chosen now, and is the one that measures", () => {
    const machinery = machine("wasm")
    return Effect.gen(function* () {
      const config = yield* configOf()
      yield* interruptedAfter(1, config)
      assert.deepStrictEqual(yield* readRunEngine(yield* RunFolder), { name: "wasm", device: "cpu" })
      machinery.engines.unshift("tensorflow")
      const { engine, history } = yield* trainRun(config)
      assert.strictEqual(engine.name, "wasm")
      assert.deepStrictEqual(namesOf(history), ["wasm", "wasm", "wasm", "wasm"])
      assert.deepStrictEqual(machinery.asked, ["auto auto", "wasm cpu"])
      const folder = yield* RunFolder
      const measure = Effect.fnUntraced(function* () {
        const run = { config, folder, recorded: yield* readRunEngine(folder) }
        return (yield* evaluateRuns([run], "test")).members[0].engine
      })
      assert.strictEqual(yield* measure(), "wasm")
      machinery.engines.pop()
      assert.strictEqual(yield* measure(), "tensorflow")
    }).pipe(Effect.provide(layersOf(machinery)))
  })

  it.effect(
    "that cannot run is exit code 4 with the flag for another one; the history then names each epoch's engine",
    () => {
      const machinery = machine("tensorflow")
      return Effect.gen(function* () {
        const config = yield* configOf()
        yield* interruptedAfter(2, config)
        machinery.engines.splice(0, 1, "wasm")
        const error = yield* Effect.flip(trainRun(config))
        assert.strictEqual(Runtime.getErrorExitCode(error), 4)
        assert.match(error.message, /"tensorflow" cannot run here: .*The run began on it, and stays with it/)
        assert.match(error.message, /Install it\. Or go on with what runs here: --resume --engine auto/)
        assert.deepStrictEqual(yield* readRunEngine(yield* RunFolder), { name: "tensorflow", device: "cpu" })
        const { engine, history } = yield* trainRun(config, { name: "auto", device: "auto", features: "auto" })
        assert.strictEqual(engine.name, "wasm")
        assert.deepStrictEqual(namesOf(history).slice(0, 2), ["tensorflow", "tensorflow"])
        assert.strictEqual(namesOf(history).at(-1), "wasm")
        assert.deepStrictEqual(yield* readRunEngine(yield* RunFolder), { name: "wasm", device: "cpu" })
      }).pipe(Effect.provide(layersOf(machinery)))
    }
  )

  it.effect("does not decide what applies the frozen part: that stays as well", () => {
    const machinery = machine("reference")
    return Effect.gen(function* () {
      const config = yield* configOf({ network: { weights: "trained", trainable: "head" } })
      yield* interruptedAfter(1, config)
      const folder = yield* RunFolder
      assert.deepStrictEqual(yield* readRunEngine(folder), {
        name: "reference",
        device: "cpu",
        features: "onnxruntime"
      })
      machinery.features = false
      const error = yield* Effect.flip(trainRun(config))
      assert.strictEqual(Runtime.getErrorExitCode(error), 4)
      assert.match(error.message, /"onnxruntime": it is gone\. The run began on it.*--resume --engine auto/)
      const { history } = yield* trainRun(config, { name: "auto", device: "auto", features: "auto" })
      assert.match(history[0]?.ranOn?.[0]?.features ?? "", /^onnxruntime/)
      assert.match(history.at(-1)?.ranOn?.at(-1)?.features ?? "", /^reference/)
      assert.deepStrictEqual(yield* readRunEngine(folder), { name: "reference", device: "cpu", features: "engine" })
    }).pipe(Effect.provide(layersOf(machinery)))
  })
})

describe("a start that fails", () => {
  const cases: ReadonlyArray<readonly [string, number, object, Machinery, typeof table]> = [
    ["a network that does not fit", 2, { image: { height: 16, width: 12 } }, machine("reference"), table],
    [
      "weights that are not there",
      2,
      { network: { weights: "nowhere", trainable: "head" } },
      machine("reference"),
      table
    ],
    ["a block that is none", 2, { train: { rates: [{ from: "conv9", factor: 0.1 }] } }, machine("reference"), table],
    ["one class", 3, {}, machine("reference"), table.slice(0, 8)],
    ["no class", 3, {}, machine("reference"), table.slice(0, 1)],
    ["no engine", 4, {}, machine(), table],
    [
      "nothing that applies the frozen part",
      4,
      { network: { weights: "trained", trainable: "head" }, features: { engine: "amx" } },
      machine("reference"),
      table
    ]
  ]
  for (const [what, code, overrides, machinery, rows] of cases)
    it.effect(`for ${what}: exit code ${code}, and nothing is written`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(trainRun(yield* configOf(overrides)))
        assert.strictEqual(Runtime.getErrorExitCode(error), code, error.message)
        assert.deepStrictEqual(yield* filesThere, [])
      }).pipe(Effect.provide(layersOf(machinery, rows)))
    )

  it.effect("over checkpoints of another run leaves these as they are, and says nothing new of the run", () =>
    Effect.gen(function* () {
      yield* trainRun(yield* configOf({ train: { epochs: 1, batchSize: 4 } }))
      const folder = yield* RunFolder
      const before = yield* folder.read("config.json")
      const error = yield* Effect.flip(trainRun(yield* configOf({ seed: 5 })))
      assert.strictEqual(Runtime.getErrorExitCode(error), 2)
      assert.deepStrictEqual(yield* folder.read("config.json"), before)
    }).pipe(Effect.provide(layersOf(machine("reference"))))
  )

  it.effect("because there is one class says it to every command that trains", () =>
    Effect.gen(function* () {
      const config = yield* configOf()
      const errors = [
        yield* Effect.flip(trainRun(config)),
        yield* Effect.flip(findLearningRate(config, { from: 1e-6, to: 1, steps: 10 })),
        yield* Effect.flip(checkRuns([config]))
      ]
      for (const error of errors) {
        assert.strictEqual(Runtime.getErrorExitCode(error), 3)
        assert.match(error.message, /^All 7 usable images are of one class, "cap"\. A classifier needs two/)
      }
    }).pipe(Effect.provide(layersOf(machine("reference"), table.slice(0, 8))))
  )
})

describe("a finished run", () => {
  it.effect("is read, not done again; only a page that is not there is made", () => {
    let pages = 0
    const written = Layer.succeed(Pages, (folder) =>
      Effect.suspend(() => {
        pages++
        return Effect.orDie(folder.write("report.html", "page"))
      })
    )
    return Effect.gen(function* () {
      const config = yield* configOf({ train: { epochs: 1, batchSize: 4 } })
      assert.isUndefined(yield* finishedRun(config))
      const report = yield* trainRun(config)
      const { has, read, ...folder } = yield* RunFolder
      const untouched = RunFolder.of({ ...folder, has, read, write: (file) => Effect.die(`wrote ${file}`) })
      assert.strictEqual(pages, 1)
      const found = yield* Effect.provideService(finishedRun(config), RunFolder, untouched)
      assert.deepStrictEqual(found, report)
      const error = yield* Effect.flip(finishedRun({ ...config, seed: 5 }))
      assert.match(error.message, /finished run of another configuration/)
      assert.strictEqual(pages, 1)
    }).pipe(Effect.provide([layersOf(machine("reference")), written]))
  })
})
