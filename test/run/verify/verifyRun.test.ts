import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { appendFile, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import { Toml } from "effect/encoding"
import * as FileRows from "../../../src/layers/sources/FileRows.ts"
import * as DiskRuns from "../../../src/layers/storage/DiskRuns.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import * as WasmEngine from "../../../src/layers/engines/wasm/WasmEngine.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import type { VerifyOptions } from "../../../src/run/verify/verifyRun.ts"
import { verifyRun } from "../../../src/run/verify/verifyRun.ts"
import { catalogueConfig, writeCatalogue } from "../../catalogue.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const layers = Layer.mergeAll(
  FileRows.layer,
  SharpImages.layer,
  Augment.layer,
  SampleCatalogue.layerAt("nowhere"),
  Engines.layerOf(WasmEngine.layer),
  Machine.layerTest,
  Pretrained.layerMemory({}),
  FeatureCache.layerMemory,
  OnnxFeatures.layer,
  Products.layerPlain,
  Checkpoints.layerMemory(2),
  DiskRuns.layer
).pipe(Layer.provideMerge(NodeServices.layer))

/** A finished run on disk. */
const trained = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const data = join(folder, "data")
  yield* Effect.promise(() => writeCatalogue(data))
  // A class of one row, which `data.minPerClass` leaves out.
  yield* Effect.promise(() => appendFile(join(data, "list.csv"), "quince0,apple-0.png,quince\r\n"))
  const raw = yield* Effect.fromResult(Toml.parse(catalogueConfig(data)))
  const config = yield* decodeRunConfig(
    {
      ...raw,
      calibration: {},
      data: { ...(raw["data"] as object), split: { train: 0.4, validation: 0.3, test: 0.3 } } // a table of the text
    },
    "test"
  )
  const path = join(folder, "run")
  const run = (yield* Runs.use((runs) => runs.open(path, 2))).folder
  yield* trainRun(config).pipe(Effect.provideService(RunFolder, run))
  const verify = (config: RunConfig, options: Partial<VerifyOptions> = {}) =>
    verifyRun(config, { data: true, samples: Infinity, ...options }).pipe(Effect.provideService(RunFolder, run))
  return { config, data, path, verify }
})

/** What differs, by name. */
const differing = ({ checks }: Effect.Success<ReturnType<typeof verifyRun>>) =>
  checks.filter(({ status }) => status === "differs").map(({ what }) => what)

/** Changes a file while something runs, and puts it back. */
const withFile = <A, E, R>(
  path: string,
  change: (bytes: Buffer) => Buffer | string | Promise<Buffer>,
  effect: Effect.Effect<A, E, R>
) =>
  Effect.acquireUseRelease(
    Effect.promise(async () => {
      const before = await readFile(path)
      await writeFile(path, await change(before))
      return before
    }),
    () => effect,
    (before) => Effect.promise(() => writeFile(path, before))
  )

/** Another float32 near the end of a file's tensors. */
const nudged = (by: number) => (bytes: Buffer) => {
  const copy = Buffer.from(bytes)
  copy.writeFloatLE(copy.readFloatLE(copy.length - 12) + by, copy.length - 12)
  return copy
}

const replaced = (from: string | RegExp, to: string) => (bytes: Buffer) => {
  const text = bytes.toString()
  assert.notStrictEqual(text.replace(from, to), text)
  return text.replace(from, to)
}

describe("verifying a run", () => {
  it.live("agrees with all of a run that is as it was, and finds whatever was changed", () =>
    Effect.gen(function* () {
      const { config, path, verify } = yield* trained
      const whole = yield* verify(config)
      assert.deepStrictEqual(
        whole.checks.filter(({ status }) => status !== "agrees"),
        []
      )
      assert.isTrue(whole.agrees)
      assert.strictEqual(whole.checks.length, 17)
      assert.match(whole.checks.find(({ what }) => what === "test predictions")!.detail, /of 9 of 9 samples/)
      const few = yield* verify(config, { samples: 5, engine: "onnxruntime" })
      assert.match(few.checks.find(({ what }) => what === "test predictions")!.detail, /of 5 of 9.*onnxruntime/)
      assert.isTrue(few.agrees)

      const own = { data: false }
      const reported = yield* withFile(
        join(path, "report.json"),
        replaced(/"accuracy": [\d.]+/, '"accuracy": 0.99'),
        verify(config, own)
      )
      assert.deepStrictEqual(differing(reported), ["test metrics"])
      const [difference] = reported.checks.find(({ what }) => what === "test metrics")!.differences
      assert.include(difference, { at: "test.accuracy", expected: "0.99" })

      const reason = replaced('"imageMissing"', '"imageEmpty"')
      const ledger = yield* withFile(join(path, "ledger.jsonl"), reason, verify(config, own))
      assert.deepStrictEqual(differing(ledger), ["ledger", "files"])
      const reworded = yield* withFile(
        join(path, "ledger.jsonl"),
        replaced("there is no", "there was no"),
        verify(config)
      )
      assert.deepStrictEqual(differing(reworded), ["files", "ledger lines"])
      const shorter = yield* withFile(join(path, "ledger.jsonl"), replaced(/^.*\n/, ""), verify(config, own))
      assert.deepStrictEqual(differing(shorter), ["ledger", "files"])
      const broken = yield* withFile(join(path, "ledger.jsonl"), () => "{}\n", verify(config, own))
      assert.deepStrictEqual(differing(broken), ["ledger", "files"])

      // As Weft 0.1 wrote it: choices are among the refusals.
      const report = (change: (ledger: { refused: object; leftOut?: object }) => void) => (bytes: Buffer) => {
        const { data, receipt, ...others } = JSON.parse(bytes.toString())
        for (const ledger of [data, receipt.ledger]) change(ledger)
        return JSON.stringify({ ...others, data, receipt })
      }
      const earlier = report((ledger) => {
        assert.deepStrictEqual(ledger.leftOut, { classTooSmall: 1 })
        ledger.refused = { ...ledger.refused, ...ledger.leftOut }
        delete ledger.leftOut
      })
      assert.isTrue((yield* withFile(join(path, "report.json"), earlier, verify(config, own))).agrees)
      const hidden = report((ledger) => (ledger.leftOut = {}))
      assert.deepStrictEqual(differing(yield* withFile(join(path, "report.json"), hidden, verify(config, own))), [
        "ledger"
      ])

      const epochs = replaced(/"trainLoss":[\d.]+/, '"trainLoss":9')
      assert.deepStrictEqual(differing(yield* withFile(join(path, "history.jsonl"), epochs, verify(config, own))), [
        "history"
      ])
      const other = { ...config, train: { ...config.train, learningRate: 0.5 } }
      assert.deepStrictEqual(differing(yield* verify(other, own)), ["configuration"])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("finds another weight, other predictions, another image and another class", () =>
    Effect.gen(function* () {
      const { config, data, path, verify } = yield* trained
      const weight = yield* withFile(join(path, "model", "model.safetensors"), nudged(0.5), verify(config))
      assert.deepStrictEqual(differing(weight), ["files", "validation predictions", "test predictions"])
      const torn = yield* withFile(
        join(path, "model", "model.safetensors"),
        (bytes) => bytes.subarray(0, -4),
        verify(config)
      )
      assert.deepStrictEqual(differing(torn), ["files", "model"])
      assert.include(
        torn.checks.find(({ what }) => what === "predictions"),
        { status: "cannotBeChecked" }
      )

      const predictions = join(path, "predictions", "test.safetensors")
      const predicted = yield* withFile(predictions, nudged(3), verify(config))
      assert.deepStrictEqual(differing(predicted), ["files", "test metrics", "test predictions"])
      assert.strictEqual(predicted.checks.find(({ what }) => what === "test predictions")!.differences.length, 1)
      const gone = yield* withFile(
        predictions,
        (bytes) => bytes,
        Effect.promise(() => rm(predictions)).pipe(Effect.andThen(verify(config, { data: false })))
      )
      assert.deepStrictEqual(differing(gone), ["files", "test predictions"])

      // One image of the test part, the same size and another colour.
      const [stored] = /photos\/[a-z]+-\d+\.png/.exec((yield* Effect.promise(() => readFile(predictions))).toString())!
      const repaint = (bytes: Buffer) => sharp(bytes).negate().png().toBuffer()
      const painted = yield* withFile(join(data, stored), repaint, verify(config))
      assert.deepStrictEqual(differing(painted), ["data", "test samples"])
      const [where] = painted.checks.find(({ what }) => what === "test samples")!.differences
      assert.match(where!.at, /^[a-z]+\d+\.digest$/)
      assert.match(painted.checks.find(({ what }) => what === "test predictions")!.detail, /of 8 of 9 samples/)

      const relabelled = yield* withFile(
        join(data, "list.csv"),
        replaced("leaf0,leaf-0.png,leaf", "leaf0,leaf-0.png,plum"),
        verify(config)
      )
      assert.include(differing(relabelled), "data")
      assert.include(differing(relabelled), "split")
      const away = yield* verify({ ...config, data: { ...config.data, root: join(data, "away") } })
      assert.isTrue(away.agrees)
      assert.include(away.checks.at(-1), { what: "data", status: "cannotBeChecked" })
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )
})
