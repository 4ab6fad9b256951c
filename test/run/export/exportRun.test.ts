import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Runtime from "effect/Runtime"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import * as DiskExports from "../../../src/layers/storage/DiskExports.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as ProcessExportReaders from "../../../src/layers/exportReaders/ProcessExportReaders.ts"
import { backendFolder, readInstalled } from "../../../src/layers/backend/BackendFolder.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { Engines } from "../../../src/model/Engines.ts"
import type { ExportFile } from "../../../src/model/export/Format.ts"
import { ExportReaders } from "../../../src/model/export/ExportReaders.ts"
import { encodeModel } from "../../../src/model/Model.ts"
import type { Model } from "../../../src/model/Model.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { logitsOf } from "../../../src/run/export/checkExport.ts"
import { Exports } from "../../../src/run/export/Exports.ts"
import type { ExportRequest } from "../../../src/run/export/exportRun.ts"
import { exportRun } from "../../../src/run/export/exportRun.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { modelOf, networks, report } from "../../model/export/plans.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { pythonWith } from "../../python.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { torchvisionNeeds, torchvisionSays } from "../../torchvision.ts"

const torch = pythonWith(...torchvisionNeeds)

const model = modelOf(networks["odd blocks"]!, { kind: "temperature", temperature: 0.8 })

const ReferenceEngines = Layer.effect(
  Engines,
  Effect.map(Engine, (engine) => ({ choose: () => Effect.succeed(engine), survey: () => Effect.succeed([]) }))
).pipe(Layer.provide(ReferenceEngine.layer))

/** A catalogue that is not there any more. */
const NoCatalogue = Layer.mergeAll(
  Rows.layerMemory(new Map()),
  Images.layerMemory(new Map<string, Pixels>()),
  Layer.mock(SampleCatalogue, {})
)

const layer = Layer.mergeAll(
  ReferenceEngines,
  NoCatalogue,
  DiskExports.layer,
  ProcessExportReaders.layer,
  Machine.layerTest,
  OnnxFeatures.layer
).pipe(Layer.provideMerge(RunFolder.layerMemory))

const config = decodeRunConfig({ data: { root: "gone" } }, "test")

const request = (target: string, more: Partial<ExportRequest> = {}): ExportRequest => ({
  format: "onnx",
  graph: { input: "float", output: "logits" },
  names: "weft",
  target,
  force: false,
  images: "test",
  ...more
})

const finish = Effect.fnUntraced(function* (finished: Model) {
  const folder = yield* RunFolder
  yield* folder.write("report.json", JSON.stringify(report))
  yield* folder.write("model/model.safetensors", encodeModel(finished))
})

/** Exports whose model has other numbers in its middle, as a faulty disk would make it. */
const corrupted = Layer.effect(
  Exports,
  Effect.map(Exports, (exports) => ({
    ...exports,
    publish: (target, files, force, check) => exports.publish(target, files.map(corrupt), force, check)
  }))
).pipe(Layer.provide(DiskExports.layer))

/** Within a tensor's numbers: they are most of the file, and their bytes repeat every four. */
const corrupt = (file: ExportFile): ExportFile => {
  if (typeof file.content === "string") return file
  const content = file.content.slice()
  const middle = Math.floor(content.length / 2)
  for (let i = 0; i < 200; i++) content[middle + i] = 0x41
  return { ...file, content }
}

const formats = ["onnx", "tfjs", "safetensors", "saved-model"] as const

describe("exportRun", () => {
  it.effect(
    "writes an export that agrees with the run; where the catalogue is gone, it is checked on noise, which is reported",
    () =>
      Effect.gen(function* () {
        yield* finish(model)
        const target = join(yield* temporaryFolder, "onnx")
        const graph = { input: "uint8", output: "probabilities" } as const
        const { check, files, metadata } = yield* exportRun(yield* config, request(target, { graph }))
        assert.match(check.images, /^8 images of noise \(the catalogue cannot be read: .+\)$/)
        assert.isNotNull(check.reader)
        assert.isBelow(check.reader === null ? 1 : check.largestDifference, 1e-4)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(target)), ["model.onnx", "weft.json"])
        assert.deepStrictEqual(
          files.map(({ name }) => name),
          ["model.onnx", "weft.json"]
        )
        assert.strictEqual(metadata.temperature, 0.8)
      }).pipe(Effect.provide(layer))
  )

  for (const format of formats) {
    const isSkipped = format === "saved-model" && readInstalled(backendFolder()) === undefined
    it.effect.skipIf(isSkipped)(`${format}: a weight that is not the run's fails the check, and nothing is left`, () =>
      Effect.gen(function* () {
        const wide = modelOf(networks["mobilenet-v2, fc, same"]!)
        yield* finish(wide)
        const folder = yield* temporaryFolder
        const target = join(folder, "out", format)
        const error = yield* Effect.flip(
          Effect.provide(exportRun(yield* config, request(target, { format, images: "noise" })), corrupted)
        )
        assert.match(
          error.message,
          /does not agree with the run, and was removed\. .+ gives \S+ for the class ".+" of image \d, the run \S+: they differ by \S+, and 0\.0001 is allowed/s
        )
        assert.strictEqual(Runtime.getErrorExitCode(error), 1)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("fails where a reader gives other values, no numbers, or too few", () =>
    Effect.gen(function* () {
      yield* finish(model)
      const folder = yield* temporaryFolder
      const withReader = (value: number, count: number) =>
        Effect.flip(
          Effect.provideService(exportRun(yieldedConfig, request(join(folder, "onnx"))), ExportReaders, {
            read: () =>
              Effect.succeed({ _tag: "Read", reader: "liar", outputs: [[new Float32Array(count).fill(value)]] })
          })
        )
      const yieldedConfig = yield* config
      assert.match((yield* withReader(1e6, 40)).message, /liar gives 1000000 for the class/)
      assert.match((yield* withReader(Number.NaN, 40)).message, /liar gives NaN for .*differ by Infinity/)
      assert.match((yield* withReader(0, 39)).message, /liar gives 39 values, the run 40/)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
    }).pipe(Effect.provide(layer))
  )

  it.effect.skipIf(torch === undefined)(
    "weights padded as TensorFlow does: torchvision says the run's logits by the example, and others by its own padding",
    () =>
      Effect.gen(function* () {
        const model = modelOf(networks["mobilenet-v2, fc, same"]!)
        yield* finish(model)
        const folder = yield* temporaryFolder
        const more = { format: "safetensors", names: "torchvision", images: "noise" } as const
        const { warnings } = yield* exportRun(yield* config, request(join(folder, "padded"), more))
        assert.match(warnings.join(), /another model/)

        const { height, width } = model.network
        const random = draw("export", "torchvision")
        const bytes = Uint8Array.from({ length: height * width * 3 }, () => random.below(256))
        const engine = yield* Engines.use((engines) =>
          Effect.flatMap(config, (run) => engines.choose(run.engine, model.network))
        )
        const logits = yield* logitsOf(engine, model, { bytes, size: 1, height, width })
        const apart = Effect.fnUntraced(function* (exported: string) {
          const said = yield* Effect.promise(() => torchvisionSays(torch!, folder, exported, "photo.png")) // there is one
          assert.strictEqual(said.logits.length, logits.length)
          return Math.max(...logits.map((value, i) => Math.abs(value - said.logits[i]!) / Math.max(1, Math.abs(value))))
        })
        // The same weights, of which nothing says that they are padded otherwise.
        yield* Effect.promise(async () => {
          await sharp(bytes, { raw: { height, width, channels: 3 } })
            .png()
            .toFile(join(folder, "photo.png"))
          const file = await readFile(join(folder, "padded/model.safetensors"), "latin1")
          const plain = file.replaceAll('padding\\":\\"same\\"', 'padding\\":\\"none\\"')
          assert.notStrictEqual(plain, file)
          await mkdir(join(folder, "plain"))
          await writeFile(join(folder, "plain/model.safetensors"), plain, "latin1")
        })
        assert.isBelow(yield* apart("padded"), 1e-3)
        assert.isAbove(yield* apart("plain"), 1e-2)
      }).pipe(Effect.provide(layer)),
    120_000
  )

  it.effect("says that nothing could check it, and writes it nevertheless", () =>
    Effect.gen(function* () {
      yield* finish(model)
      const target = join(yield* temporaryFolder, "saved-model")
      const { check } = yield* Effect.provideService(
        exportRun(yield* config, request(target, { format: "saved-model" })),
        ExportReaders,
        { read: () => Effect.succeed({ _tag: "NoReader", reason: "nothing reads it here" }) }
      )
      assert.deepInclude(check, { reader: null, reason: "nothing reads it here" })
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(target)), ["saved_model.pb", "weft.json"])
    }).pipe(Effect.provide(layer))
  )

  it.effect(
    "refuses a run that is not finished, and names that the network does not have, before it does anything",
    () =>
      Effect.gen(function* () {
        const target = join(yield* temporaryFolder, "onnx")
        const unfinished = yield* Effect.flip(exportRun(yield* config, request(target)))
        assert.match(unfinished.message, /this run is not finished.*--resume/)
        assert.strictEqual(Runtime.getErrorExitCode(unfinished), 2)
        yield* finish(model)
        const named = yield* Effect.flip(
          exportRun(yield* config, request(target, { format: "safetensors", names: "timm" }))
        )
        assert.match(named.message, /--names timm: timm has no network "odd"/)
        assert.strictEqual(Runtime.getErrorExitCode(named), 2)
      }).pipe(Effect.provide(layer))
  )
})
