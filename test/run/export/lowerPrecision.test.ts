import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import * as DiskExports from "../../../src/layers/storage/DiskExports.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as ProcessExportReaders from "../../../src/layers/exportReaders/ProcessExportReaders.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { ExportMetadata } from "../../../src/model/export/ExportMetadata.ts"
import type { ReadResult } from "../../../src/model/export/ExportReaders.ts"
import { ExportReaders } from "../../../src/model/export/ExportReaders.ts"
import { encodeModel } from "../../../src/model/Model.ts"
import type { Model } from "../../../src/model/Model.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { elementAt } from "../../../src/pipeline/elementAt.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { logitsOf } from "../../../src/run/export/checkExport.ts"
import type { ExportRequest } from "../../../src/run/export/exportRun.ts"
import { exportRun } from "../../../src/run/export/exportRun.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { modelOf, report } from "../../model/export/plans.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const [height, width] = [52, 49]
const pixels = height * width * 3
const count = 90

const photo = (i: number): Pixels => {
  const random = draw("lower precision", i)
  const grey = random.between(60, 190)
  return {
    height,
    width,
    data: Uint8Array.from({ length: pixels }, () => Math.round(grey + random.between(-60, 60)))
  }
}
const photos = Array.from({ length: count }, (_, i) => photo(i))

const ReferenceEngines = Layer.effect(
  Engines,
  Effect.map(Engine, (engine) => ({ choose: () => Effect.succeed(engine), survey: () => Effect.succeed([]) }))
).pipe(Layer.provide(ReferenceEngine.layer))

const base = Layer.mergeAll(
  ReferenceEngines,
  DiskExports.layer,
  OnnxFeatures.layer,
  Machine.layerTest,
  Layer.mock(SampleCatalogue, {}),
  Images.layerMemory(new Map(photos.map((one, i) => [`shop/${i}.png`, one])))
).pipe(Layer.provideMerge(RunFolder.layerMemory))

const labels = ["a", "b"]

/** A column's logits in two columns: kind has the first two, tags the third and the fourth. */
const columns = [
  { name: "kind", classes: labels, values: "one" },
  { name: "tags", classes: ["new", "sale"], values: "several" }
] as const

/** A model whose classes are balanced among the photos, and what it says of each: these are the photos' labels. */
const labelled = Effect.fnUntraced(function* (network: Model["network"], more: Partial<Model> = {}) {
  const engine = yield* Engines.use((engines) =>
    Effect.flatMap(config(["kind"]), (c) => engines.choose(c.engine, network))
  )
  const model: Model = { ...modelOf(network), labels, ...more }
  const held = { bytes: new Uint8Array(count * pixels), size: count, height, width }
  for (const [i, { data }] of photos.entries()) held.bytes.set(data, i * pixels)
  const logits = yield* logitsOf(engine, model, held)
  const { classes } = network
  // Classes of a column are balanced by a shift of their logits: the median of each becomes 0.
  const shift = Float32Array.from({ length: classes }, (_, c) => {
    const own = Array.from({ length: count }, (_, i) => elementAt(logits, i * classes + c)).sort((a, b) => a - b)
    return elementAt(own, count / 2)
  })
  const weights = new Map(model.weights)
  let at = 0
  for (const [name, { data, shape }] of model.weights) {
    if (!/(^|\.)fc3[^/]*\.bias$/.test(name) && !name.endsWith("fc3.bias")) continue
    weights.set(name, { shape, data: data.map((bias, i) => bias - elementAt(shift, at + i)) })
    at += data.length
  }
  assert.strictEqual(at, classes, [...model.weights.keys()].join())
  const balanced: Model = { ...model, weights }
  return { model: balanced, logits: logits.map((value, i) => value - elementAt(shift, i % classes)) }
})

const config = (label: ReadonlyArray<string>) =>
  decodeRunConfig(
    {
      seed: 3,
      data: {
        root: "shop",
        csv: "list.csv",
        images: "{id}.png",
        columns: { id: "id", label: label.length === 1 ? "kind" : ["kind", { column: "tags", separator: "|" }] },
        minPerClass: 3
      },
      image: { height, width }
    },
    "test"
  )

const rowsOf = (logits: Float32Array, classes: number) =>
  Array.from({ length: count }, (_, i) => {
    const of = (c: number) => elementAt(logits, i * classes + c)
    const tags = classes === 2 ? [] : ["new", "sale"].filter((_, t) => of(2 + t) >= 0)
    return [String(i), of(0) >= of(1) ? "a" : "b", tags.join("|")]
  })

const finish = Effect.fnUntraced(function* (model: Model) {
  const folder = yield* RunFolder
  yield* folder.write("report.json", JSON.stringify(report))
  yield* folder.write("model/model.safetensors", encodeModel(model))
})

const request = (target: string, more: Partial<ExportRequest> = {}): ExportRequest => ({
  format: "onnx",
  graph: { input: "uint8", output: "logits" },
  names: "weft",
  target,
  force: false,
  images: "test",
  ...more
})

const rowsLayer = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
  Rows.layerMemory(new Map([["shop/list.csv", [["id", "kind", "tags"], ...rows]]]))

const metadataIn = (target: string) =>
  Effect.promise(() => readFile(join(target, "weft.json"), "utf8")).pipe(
    Effect.map(Schema.decodeUnknownSync(Schema.fromJsonString(ExportMetadata)))
  )

const oneColumn = simpleCnn.build({ height, width, classes: 2 })

describe("exports in lower precision", () => {
  for (const [format, precision, part] of [
    ["onnx", "fp16", 0.5],
    ["onnx", "int8", 0.25],
    ["tfjs", "fp16", 0.5]
  ] as const)
    it.effect(
      `${format} in ${precision}: smaller, measured on the validation part, and the same bytes again`,
      () =>
        Effect.gen(function* () {
          const { logits, model } = yield* labelled(oneColumn)
          yield* finish(model)
          const folder = yield* temporaryFolder
          const write = (target: string) =>
            Effect.flatMap(config(["kind"]), (c) => exportRun(c, request(target, { format, precision }))).pipe(
              Effect.provide(rowsLayer(rowsOf(logits, 2)))
            )
          const target = join(folder, "one")
          const { check, files, measured, metadata } = yield* write(target)
          assert.isBelow(check.reader === null ? 1 : check.largestDifference, 1e-4)
          if (measured === undefined) return assert.fail("nothing was measured")
          const bytes = files.reduce((sum, file) => (file.name === "weft.json" ? sum : sum + file.bytes), 0)
          assert.closeTo(bytes / measured.fp32Bytes, part, part / 10)
          assert.isAtLeast(measured.agreement, 0.85)
          assert.isAbove(measured.largestDifference, 0)
          assert.isAbove(measured.images, 4)
          const { precision: facts } = metadata
          assert.strictEqual(facts?.name, precision)
          // Labels are what the model says itself.
          assert.deepInclude(facts?.loss[0], { samples: measured.images, fp32: 1 })
          assert.strictEqual(facts?.calibrationImages === undefined, precision === "fp16")
          assert.isAbove(facts?.calibrationImages ?? 99, 40)
          assert.deepStrictEqual((yield* metadataIn(target)).precision, facts)
          const again = join(folder, "two")
          yield* write(again)
          for (const { name } of files)
            assert.strictEqual(
              Buffer.compare(
                yield* Effect.promise(() => readFile(join(target, name))),
                yield* Effect.promise(() => readFile(join(again, name)))
              ),
              0,
              name
            )
          assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["one", "two"])
        }).pipe(Effect.provide(Layer.merge(base, ProcessExportReaders.layer))),
      120_000
    )

  it.effect(
    "several columns, one of them of tags: the loss of each is measured, from probabilities too",
    () =>
      Effect.gen(function* () {
        const network = simpleCnn.build({
          height,
          width,
          classes: [
            { name: "kind", classes: 2, kind: "softmax" },
            { name: "tags", classes: 2, kind: "sigmoid" }
          ]
        })
        const { logits, model } = yield* labelled(network, { columns })
        yield* finish(model)
        const target = join(yield* temporaryFolder, "out")
        const graph = { input: "float", output: "probabilities" } as const
        const { metadata } = yield* Effect.flatMap(config(["kind", "tags"]), (c) =>
          exportRun(c, request(target, { graph, precision: "int8", maxLoss: 100 }))
        ).pipe(Effect.provide(rowsLayer(rowsOf(logits, 4))))
        const loss = metadata.precision?.loss ?? []
        assert.deepStrictEqual(
          loss.map(({ column }) => column),
          ["kind", "tags"]
        )
        for (const { accuracy, difference, fp32, interval } of loss) {
          assert.strictEqual(fp32, 1)
          assert.isAtLeast(accuracy, 0.8)
          assert.closeTo(accuracy - fp32, difference, 1e-9)
          assert.isTrue(interval.low < difference && difference < interval.high)
        }
      }).pipe(Effect.provide(Layer.merge(base, ProcessExportReaders.layer))),
    120_000
  )

  /** A reader that loads everything but the float32 graph wrongly: it negates the outputs of every second read of a part. */
  const wrongly = (shareWrong: number) =>
    Layer.effect(
      ExportReaders,
      Effect.map(ExportReaders, ({ read }) => {
        let float32: string | undefined
        return {
          read: (request) =>
            Effect.map(read(request), (found): ReadResult => {
              // The first graph that is read is the float32 one.
              float32 ??= request.folder
              if (found._tag === "NoReader" || request.folder === float32) return found
              return {
                ...found,
                outputs: found.outputs.map((columns) =>
                  columns.map((one) =>
                    one.map((value, i) => (Math.floor(i / 2) % 10 < 10 * shareWrong ? -value : value))
                  )
                )
              }
            })
        }
      })
    ).pipe(Layer.provide(ProcessExportReaders.layer))

  it.effect(
    "a loss beyond the bound is refused with exit code 1, and nothing is written; with a higher bound it is written",
    () =>
      Effect.gen(function* () {
        const { logits, model } = yield* labelled(oneColumn)
        yield* finish(model)
        const folder = yield* temporaryFolder
        const write = (maxLoss: number) =>
          Effect.flatMap(config(["kind"]), (c) =>
            exportRun(c, request(join(folder, "deep", "out"), { precision: "fp16", maxLoss }))
          ).pipe(Effect.provide([rowsLayer(rowsOf(logits, 2)), wrongly(0.1)]))
        const error = yield* Effect.flip(write(1))
        assert.match(
          error.message,
          /fp16 loses \d+\.\d points of accuracy: 100\.0 % become \d\d\.\d % on \d+ images of the validation part \(95 %: .+\), and 1 is allowed\. Nothing was written\. Keep fp32, or allow more with --max-loss/
        )
        assert.strictEqual(Runtime.getErrorExitCode(error), 1)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
        const { metadata } = yield* write(50)
        assert.isBelow(metadata.precision?.loss[0]?.accuracy ?? 1, 1)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(join(folder, "deep"))), ["out"])
      }).pipe(Effect.provide(base)),
    120_000
  )

  it.effect(
    "is refused where it cannot be: without the catalogue, its classes, a reader, or the format's support",
    () =>
      Effect.gen(function* () {
        const { logits, model } = yield* labelled(oneColumn)
        yield* finish(model)
        const folder = yield* temporaryFolder
        const rows = rowsOf(logits, 2)
        const refused = Effect.fnUntraced(function* (
          table: ReadonlyArray<ReadonlyArray<string>> | undefined,
          code: number,
          message: RegExp,
          more: Partial<ExportRequest> = {}
        ) {
          const layer = table === undefined ? Rows.layerMemory(new Map()) : rowsLayer(table)
          const wanted = request(join(folder, "out"), { precision: "int8", images: "noise", ...more })
          const error = yield* Effect.flip(
            Effect.flatMap(config(["kind"]), (c) => exportRun(c, wanted)).pipe(Effect.provide(layer))
          )
          assert.match(error.message, message)
          assert.strictEqual(Runtime.getErrorExitCode(error), code)
          assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
        })
        yield* refused(undefined, 3, /loss of accuracy can be measured, and the catalogue cannot be read/)
        const renamed = rows.map(([id = "", kind = "", tags = ""]) => [id, kind === "a" ? "c" : kind, tags])
        yield* refused(renamed, 3, /no longer has the classes/)
        yield* refused(rows, 2, /SavedModel is written in fp32 only; int8 is for --format onnx/, {
          format: "saved-model"
        })
        yield* refused(rows, 2, /TensorFlow\.js is written in fp32 or fp16 only; int8 is for --format onnx/, {
          format: "tfjs"
        })
        yield* refused(rows, 2, /only; fp16 is for --format onnx or tfjs/, { format: "safetensors", precision: "fp16" })
        const none = Layer.succeed(ExportReaders, {
          read: () => Effect.succeed({ _tag: "NoReader", reason: "nothing reads it here" })
        })
        const error = yield* Effect.flip(
          Effect.flatMap(config(["kind"]), (c) =>
            exportRun(c, request(join(folder, "out"), { precision: "fp16" }))
          ).pipe(Effect.provide([rowsLayer(rows), none]))
        )
        assert.match(error.message, /a lower precision needs a library that runs the export: nothing reads it here/)
        assert.strictEqual(Runtime.getErrorExitCode(error), 1)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
      }).pipe(Effect.provide(Layer.merge(base, ProcessExportReaders.layer)))
  )
})
