import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as ProcessExportReaders from "../../../src/layers/exportReaders/ProcessExportReaders.ts"
import { backendFolder, readInstalled } from "../../../src/layers/backend/BackendFolder.ts"
import { batchFor, normalisedImages, someOf } from "../../../src/model/export/batchFor.ts"
import type { Held } from "../../../src/model/export/batchFor.ts"
import { graphOutputs } from "../../../src/model/export/exportOutputs.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import type { ReaderBatch } from "../../../src/model/export/ExportReaders.ts"
import { ExportReaders } from "../../../src/model/export/ExportReaders.ts"
import type { ExportPlan } from "../../../src/model/export/formats.ts"
import { formats as allFormats } from "../../../src/model/export/formats.ts"
import type { GraphFormatName } from "../../../src/model/export/formats.ts"
import { softmax } from "../../../src/metrics/crossEntropy.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { inferenceOptions } from "../../../src/model/Model.ts"
import type { Model } from "../../../src/model/Model.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { backboneCases } from "../../model/engineContract/backbones.ts"
import { assertNear, firstOfRows, referenceWeights, tiledBatch } from "../../model/engineContract/reference.ts"
import { filesOf, modelOf, networks, planOf } from "../../model/export/plans.ts"
import { pythonWith } from "../../python.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const size = 4

const noise = ({ height, width }: { readonly height: number; readonly width: number }): Held => {
  const random = draw("export", height, width)
  return { bytes: Uint8Array.from({ length: size * height * width * 3 }, () => random.below(256)), size, height, width }
}

/** What the reference engine says of the images: the reference of all engines. */
const expected = Effect.fnUntraced(function* (model: Model, held: Held) {
  const session = yield* Engine.use((engine) => engine.open(inferenceOptions(model)))
  return yield* session.predict({
    index: 0,
    images: normalisedImages(held, model.image),
    labels: new Int32Array(size),
    ids: Array.from({ length: size }, String),
    size,
    height: held.height,
    width: held.width
  })
}, Effect.scoped)

/** Writes an export and has it read: the outputs of each batch. */
const readExport = Effect.fnUntraced(function* (plan: ExportPlan, batches: ReadonlyArray<ReaderBatch>) {
  const folder = yield* temporaryFolder
  for (const { content, name } of filesOf(plan)) yield* Effect.promise(() => writeFile(join(folder, name), content))
  const { graph, model } = plan
  const format = plan.format as GraphFormatName // the plans here are of graphs
  const result = yield* ExportReaders.use((readers) =>
    readers.read({
      format,
      folder,
      outputs: graphOutputs(model, graph.output).map(({ name }) => name),
      batches
    })
  )
  if (result._tag === "NoReader") return assert.fail(result.reason)
  return result.outputs
})

/** The same for images, in a batch of 3 and one of 1. */
const readBack = (plan: ExportPlan, held: Held) =>
  readExport(
    plan,
    [someOf(held, 0, 3), someOf(held, 3, 4)].map((some) =>
      batchFor(some, plan.model.image, plan.format as GraphFormatName, plan.graph.input)
    )
  )

/** Images of any numbers as a graph takes them. */
const floatBatch = ({ height, images, size, width }: Batch, format: GraphFormatName): ReaderBatch => {
  if (format !== "onnx") return { data: images, shape: [size, height, width, 3] }
  const area = height * width
  const data = images.map((_, i, all) => {
    const [image, c, pixel] = [Math.floor(i / (3 * area)), Math.floor(i / area) % 3, i % area]
    return all[(image * area + pixel) * 3 + c] ?? NaN
  })
  return { data, shape: [size, 3, height, width] }
}

/** The numbers of an export with one output, of all images. */
const onlyOutput = (outputs: ReadonlyArray<ReadonlyArray<Float32Array>>) =>
  outputs.flatMap(([only = new Float32Array(), ...others]) => {
    assert.strictEqual(others.length, 0)
    return [...only]
  })

const isTensorflowHere = readInstalled(backendFolder()) !== undefined
const python = pythonWith("tensorflow")

/** The environment that the reader's process gets, put back with its Scope. */
const environment = (values: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.keys(values).map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, values)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of before)
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
      })
  )

const small = modelOf(networks["odd blocks"]!)
const nowhere = { WEFT_BACKEND: "/nowhere", WEFT_PYTHON: "/nowhere" }
const formats = allFormats.flatMap((one) => (one.kind === "graph" ? [one.name] : []))

layer(ProcessExportReaders.layer)("exported graphs, by their own libraries", (it) => {
  for (const format of formats) {
    const test = format === "saved-model" && !isTensorflowHere ? it.effect.skip : it.effect
    for (const [name, network] of Object.entries(networks))
      test(`${format}: ${name} gives the reference's logits, in batches of 3 and 1`, () =>
        Effect.gen(function* () {
          const model = modelOf(network)
          const held = noise(network)
          const logits = yield* expected(model, held)
          assertNear(onlyOutput(yield* readBack(planOf(model, { format }), held)), [...logits], "logits", 1e-4)
        }).pipe(Effect.provide(ReferenceEngine.layer)))

    for (const { network, record, title } of backboneCases)
      if (record.mode === "inference" && record.head === "fc")
        test(
          `${format}: gives the logits of ../shared/fixtures/backbones.json: ${title}`,
          () =>
            Effect.gen(function* () {
              const model = { ...modelOf(network), weights: referenceWeights(network, record.salt) }
              const batch = tiledBatch(network, record.salt, record.batch)
              const found = onlyOutput(yield* readExport(planOf(model, { format }), [floatBatch(batch, format)]))
              assertNear(firstOfRows(Float32Array.from(found), network.classes), record.logits, "logits")
              assertNear([Math.hypot(...found)], [record.logitsNorm], "their norm")
            }),
          120_000 // the largest has 86 million weights, which are drawn, written and read
        )

    test(`${format}: gives calibrated probabilities of bytes`, () =>
      Effect.gen(function* () {
        const network = networks["mobilenet-v2, fc, symmetric"]!
        const model = modelOf(network, { kind: "temperature", temperature: 1.7 })
        const held = noise(network)
        const logits = (yield* expected(model, held)).map((logit) => logit / 1.7)
        const found = onlyOutput(
          yield* readBack(planOf(model, { format, graph: { input: "uint8", output: "probabilities" } }), held)
        )
        assertNear(found, [...softmax(logits, network.classes)], "probabilities", 1e-4)
      }).pipe(Effect.provide(ReferenceEngine.layer)))

    test(`${format}: gives an output for each of several label columns, each at its temperature`, () =>
      Effect.gen(function* () {
        const network = simpleCnn.build({ height: 52, width: 49, classes: 9 })
        const columns = [
          { name: "article type", classes: ["shirt", "tie", "hat", "shoe"], values: "one", temperature: 1.7 },
          { name: "2nd", classes: ["red", "blue"], values: "one" },
          { name: "article_type", classes: ["new", "sale", "rest"], values: "several", temperature: 0.5 }
        ] as const
        const model = { ...modelOf(network), labels: columns[0].classes, columns }
        const names = ["article_type", "column_2nd", "article_type_2"]
        assert.deepStrictEqual(
          graphOutputs(model, "logits").map(({ name }) => name),
          names
        )
        const held = noise(network)
        const logits = yield* expected(model, held)
        const found = yield* readBack(
          planOf(model, { format, graph: { input: "float", output: "probabilities" } }),
          held
        )
        const rows = [0, 1, 2, 3].map((row) => logits.subarray(9 * row, 9 * row + 9))
        const together = (k: number) => found.flatMap((outputs) => [...(outputs[k] ?? [])])
        const wanted = (own: (row: Float32Array) => Iterable<number>) => rows.flatMap((row) => [...own(row)])
        assertNear(
          together(0),
          wanted((row) =>
            softmax(
              row.slice(0, 4).map((x) => x / 1.7),
              4
            )
          ),
          "article type",
          1e-4
        )
        assertNear(
          together(1),
          wanted((row) => softmax(row.slice(4, 6), 2)),
          "2nd",
          1e-4
        )
        assertNear(
          together(2),
          wanted((row) => row.slice(6).map((x) => 1 / (1 + Math.exp(-x / 0.5)))),
          "article_type",
          1e-4
        )
      }).pipe(Effect.provide(ReferenceEngine.layer)))
  }

  it.effect.skipIf(!python)("saved-model: is read by Python's TensorFlow where ours is not installed", () =>
    Effect.gen(function* () {
      yield* environment({ ...nowhere, WEFT_PYTHON: python! }) // skipped where there is none
      const held = noise(small.network)
      const logits = yield* expected(small, held)
      assertNear(
        onlyOutput(yield* readBack(planOf(small, { format: "saved-model" }), held)),
        [...logits],
        "logits",
        1e-4
      )
    }).pipe(Effect.provide(ReferenceEngine.layer))
  )

  it.effect("saved-model: says what would read it where nothing does", () =>
    Effect.gen(function* () {
      yield* environment(nowhere)
      const request = { format: "saved-model", folder: "anywhere", outputs: ["logits"], batches: [] } as const
      const result = yield* ExportReaders.use((readers) => readers.read(request))
      assert.strictEqual(result._tag, "NoReader")
      assert.match(result._tag === "NoReader" ? result.reason : "", /backend:install.*WEFT_PYTHON/)
    })
  )

  it.effect("fails where the library does not take the file, in its words", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => writeFile(join(folder, "model.onnx"), "no model"))
      const error = yield* Effect.flip(
        ExportReaders.use((readers) => readers.read({ format: "onnx", folder, outputs: ["logits"], batches: [] }))
      )
      assert.match(error.message, /onnxruntime-node does not take the exported onnx: .*(model|protobuf|INVALID)/i)
    })
  )
})
