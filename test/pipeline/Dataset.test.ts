import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { existsSync } from "node:fs"
import { layer as fileRows } from "../../src/layers/sources/FileRows.ts"
import type { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { loadDataset } from "../../src/pipeline/Dataset.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { ImageRefused, Images } from "../../src/pipeline/Images.ts"
import { countByReason } from "../../src/pipeline/Ledger.ts"
import { LoaderConfig } from "../../src/pipeline/LoaderConfig.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"
import { Rows } from "../../src/pipeline/Rows.ts"
import type { ProgressEvent } from "../../src/pipeline/Progress.ts"
import { Progress } from "../../src/pipeline/Progress.ts"
import type { Table } from "./rowsContract.ts"
import { configOf } from "./rowsContract.ts"

const image = Schema.decodeSync(ImageConfig)({})
const loader = Schema.decodeSync(LoaderConfig)({})
const pixels: Pixels = { height: 1, width: 2, data: new Uint8Array(6) }
const header = ["id", "kind"]

/** A dataset of rows in memory; these ids have no image. */
const load = (
  rows: Table,
  options: {
    readonly missing?: ReadonlyArray<string>
    readonly seed?: number
    readonly data?: Partial<typeof DataConfig.Encoded>
  } = {}
) => {
  const missing = new Set(options.missing)
  const files = rows.flatMap(([id = ""]) =>
    missing.has(id.trim()) ? [] : [[`catalogue/images/${id.trim()}.jpg`, pixels] as const]
  )
  return loadDataset({
    root: "catalogue",
    data: configOf({ minPerClass: 3, maxRefused: 1, ...options.data }),
    image,
    loader,
    seed: options.seed ?? 1
  }).pipe(
    Effect.provide([
      Rows.layerMemory(new Map([["catalogue/list.csv", [header, ...rows]]])),
      Images.layerMemory(new Map(files))
    ])
  )
}

/** So many rows of each label; ids are `label-number`. */
const rowsOf = (sizes: Readonly<Record<string, number>>): Table =>
  Object.entries(sizes).flatMap(([label, size]) => Array.from({ length: size }, (_, i) => [`${label}-${i}`, label]))

describe("Dataset", () => {
  it.effect("divides and limits by the split's own seed where it has one, whatever the run's", () =>
    Effect.gen(function* () {
      const rows = rowsOf({ tops: 40, caps: 40 })
      const partsOf = Effect.fnUntraced(function* (seed: number, splitSeed?: number) {
        const split = splitSeed === undefined ? {} : { seed: splitSeed }
        const { test, train, validation } = yield* load(rows, { seed, data: { limit: 60, split } })
        return [train, validation, test].map((samples) => samples.map(({ id }) => id).sort())
      })
      const own = yield* partsOf(7)
      assert.deepStrictEqual(yield* partsOf(3, 7), own)
      assert.notDeepEqual(yield* partsOf(3), own)
    })
  )

  it.effect("has sorted classes, samples in three parts, and a ledger", () =>
    Effect.gen(function* () {
      const rows = [...rowsOf({ tops: 10, Bags: 5, caps: 2 }), ["tops-0", "tops"], ["x"], ["y", ""]]
      const { classes, ledger, test, train, validation } = yield* load(rows, { missing: ["tops-3"] })
      assert.deepStrictEqual(classes, ["Bags", "tops"])
      assert.deepStrictEqual([train.length, validation.length, test.length], [10, 2, 2])
      const sample = [...train, ...validation, ...test].find(({ id }) => id === "Bags-1")
      const path = "catalogue/images/Bags-1.jpg"
      assert.deepInclude(sample, { id: "Bags-1", label: 0, path, line: 13 })
      assert.strictEqual(sample?.digest, path) // as images in memory have it
      assert.strictEqual(ledger.listed, 20)
      assert.strictEqual(ledger.kept, 14)
      assert.deepStrictEqual(
        ledger.refusals.map(({ line, reason }) => [line, reason]),
        [
          [5, "imageMissing"],
          [17, "classTooSmall"],
          [18, "classTooSmall"],
          [19, "duplicateId"],
          [20, "malformed"],
          [21, "missingLabel"]
        ]
      )
    })
  )

  it.effect("counts a class's rows before its images, and needs three images in the end", () =>
    Effect.gen(function* () {
      const rows = rowsOf({ a: 6, b: 6, c: 5, d: 20 })
      const missing = ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2", "b-3"]
      const { classes, ledger } = yield* load(rows, { missing, data: { minPerClass: 6 } })
      assert.deepStrictEqual(classes, ["a", "d"])
      assert.deepStrictEqual(countByReason(ledger.refusals), { imageMissing: 7, classTooSmall: 7 })
      assert.deepStrictEqual(
        ledger.refusals.filter(({ label }) => label === "b").map(({ detail }) => detail.slice(0, 38))[5],
        "only 2 of its class's images can be us"
      )
    })
  )

  const Kind = Schema.Literals(["a", "b", "c", "d", "", " a "])
  const Line = Schema.Struct({
    id: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
    kind: Kind,
    fields: Schema.Literals([2, 2, 2, 2, 1, 3]),
    image: Schema.Literals([true, true, true, false])
  })
  it.effect.prop(
    "keeps or refuses every listed row, whatever is wrong with them",
    {
      lines: Schema.Array(Line),
      limited: Schema.Boolean,
      chosen: Schema.Boolean,
      minPerClass: Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 6 }))
    },
    ({ chosen, limited, lines, minPerClass }) =>
      Effect.gen(function* () {
        const faulty = lines.map(({ fields, id, kind }) => [`${id}`, kind, "x"].slice(0, fields))
        const rows = [...rowsOf({ a: 20, b: 12, c: 6 }), ...faulty]
        const missing = lines.filter(({ image }) => !image).map(({ id }) => `${id}`)
        const data = { minPerClass, ...(limited ? { limit: 30 } : {}), ...(chosen ? { labels: ["a", "c"] } : {}) }
        const dataset = yield* load(rows, { missing, data })
        const { ledger } = dataset
        assert.strictEqual(ledger.listed, rows.length)
        assert.strictEqual(ledger.listed, ledger.kept + ledger.refusals.length + ledger.overLimit)
        const samples = [...dataset.train, ...dataset.validation, ...dataset.test]
        assert.strictEqual(samples.length, ledger.kept)
        // Every row is in one place; those beyond the limit are counted, and not listed.
        const seen = [...samples.map(({ line }) => line), ...ledger.refusals.map(({ line }) => line)]
        assert.strictEqual(new Set(seen).size, rows.length - ledger.overLimit)
        for (const part of [dataset.train, dataset.validation, dataset.test])
          assert.strictEqual(new Set(part.map(({ label }) => label)).size, dataset.classes.length)
      })
  )

  it.effect("does not depend on the order of the rows", () =>
    Effect.gen(function* () {
      const rows = rowsOf({ a: 40, b: 25, c: 13, d: 2 })
      const ids = (samples: ReadonlyArray<{ readonly id: string }>) => samples.map(({ id }) => id)
      const one = yield* load(rows, { data: { limit: 50 } })
      const other = yield* load(rows.toReversed(), { data: { limit: 50 } })
      assert.strictEqual(other.digest, one.digest)
      assert.deepStrictEqual(ids(other.train), ids(one.train))
      assert.deepStrictEqual(ids(other.validation), ids(one.validation))
      assert.deepStrictEqual(ids(other.test), ids(one.test))
    })
  )

  it.effect("has a digest of ids, labels and image bytes", () =>
    Effect.gen(function* () {
      const digest = (rows: Table, missing: ReadonlyArray<string> = []) =>
        Effect.map(load(rows, { missing }), (dataset) => dataset.digest)
      // printf '["a-0","a","catalogue/images/a-0.jpg"]\n["a-1",…' | sha256sum; in memory, a path stands for the bytes.
      assert.strictEqual(
        yield* digest(rowsOf({ a: 3 })),
        "6a9b6d448a88ef4fd78eb9d731812cdabead24468075a16bf41ead7615e95b51"
      )
      const rows = rowsOf({ a: 5, b: 5 })
      const relabelled = rows.map(([id = "", label = ""]) => [id, id === "a-1" ? "b" : label])
      const renamed = rows.map(([id = "", label = ""]) => [id === "a-1" ? "a-9" : id, label])
      const all = [yield* digest(rows), yield* digest(relabelled), yield* digest(renamed), yield* digest(rows, ["a-1"])]
      assert.strictEqual(new Set(all).size, 4)
    })
  )

  it.effect("ends when too many lines of the list are faulty, and names each cause once", () =>
    Effect.gen(function* () {
      const rows = [
        ...rowsOf({ a: 88 }),
        ...Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? ["x"] : [`y${i}`, ""]))
      ]
      const error = yield* Effect.flip(load(rows, { data: { maxRefused: 0.115 } }))
      assert.strictEqual(error._tag, "DataUnusable")
      assert.strictEqual(error.reason, "tooManyRefused")
      assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
      assert.strictEqual(
        error.message,
        "catalogue/list.csv: at least 12 of the 100 listed rows are faulty (12 %; `data.maxRefused` allows 11.5 %): " +
          "malformed row 6, no label 6\n" +
          "  6 rows, lines 90 to 100: malformed row: 1 field instead of 2\n" +
          '  6 rows, lines 91 to 101: no label: the column "kind" is empty\n' +
          "Mend these rows, or allow more of them with `data.maxRefused`."
      )
      yield* load(rows, { data: { maxRefused: 0.12 } })
      const alike = yield* Effect.flip(load([...rowsOf({ a: 8 }), ["x"], ["y"]], { data: { maxRefused: 0.1 } }))
      assert.include(alike.message, "  lines 10 and 11: malformed row: 1 field instead of 2\nMend these rows")
    })
  )

  it.effect("says once of a folder that is not there how many rows it is missed in", () =>
    Effect.gen(function* () {
      const rows = rowsOf({ shirts: 30, bags: 10 })
      const files = rows.flatMap(([id = "", kind = ""]) =>
        kind === "bags" ? [] : [[`catalogue/${kind}/${id}.jpg`, pixels] as const]
      )
      const error = yield* loadDataset({
        root: "catalogue",
        data: configOf({ minPerClass: 3, maxRefused: 0.22, images: "{kind}/{id}.jpg" }),
        image,
        loader,
        seed: 1
      }).pipe(
        Effect.provide([
          Rows.layerMemory(new Map([["catalogue/list.csv", [header, ...rows]]])),
          Images.layerMemory(new Map(files))
        ]),
        Effect.flip
      )
      assert.strictEqual(
        error.message,
        "catalogue/list.csv: at least 9 of the 40 listed rows are faulty (22.5 %; `data.maxRefused` allows 22 %): photo not found 9\n" +
          "  9 rows, lines 32 to 40: photo not found: there is no folder catalogue/bags\n" +
          "Bring the photos there, or correct `data.images`."
      )
    })
  )

  it.effect("ends at the image that spends the budget, the same one on every run", () =>
    Effect.gen(function* () {
      const rows = rowsOf({ a: 200 })
      const missing = rows.map(([id = ""]) => id).filter((_, index) => index % 3 === 0)
      let checked = 0
      const error = yield* load(rows, { missing, data: { maxRefused: 0.1 } }).pipe(
        Effect.provideService(Progress, (event: ProgressEvent) =>
          Effect.sync(() => {
            if (event._tag === "Checking") checked = event.done
          })
        ),
        Effect.flip
      )
      assert.include(error.message, "at least 21 of the 200 listed rows are faulty (10.5 %")
      assert.include(
        error.message,
        "photo not found 21\n  line 2 (id a-0): photo not found: catalogue/images/a-0.jpg: there is no such file\n  line 5 (id a-3)"
      )
      // The 21st of every third.
      assert.strictEqual(checked, 60)
    })
  )

  it.effect("notes labels that differ in little, and keeps them apart", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { classes } = yield* load(rowsOf({ Tops: 5, tops: 3, Bags: 4 })).pipe(
        Effect.provideService(Progress, (event: ProgressEvent) =>
          Effect.sync(() => {
            if (event._tag === "Note") notes.push(event.line)
          })
        )
      )
      assert.deepStrictEqual(classes, ["Bags", "Tops", "tops"])
      assert.strictEqual(notes.length, 1)
      assert.include(notes[0] ?? "", '"Tops" (5), "tops" (3)')
    })
  )

  it.effect("ends when no class is left", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(load(rowsOf({ a: 30, b: 49 }), { data: { minPerClass: 50 } }))
      assert.strictEqual(
        error.message,
        "catalogue/list.csv: none of the 79 listed rows is left to train on (class too small 79). " +
          "Set `data.minPerClass` to 49 or less, as the largest class has so many, or bring more images of each class."
      )
      const alone = yield* Effect.flip(load(Array.from({ length: 9 }, (_, i) => [`${i}`, `label ${i}`])))
      assert.include(
        alone.message,
        'Bring 3 images of each class at least; the largest has 1: is `data.columns.label` ("kind") the right column?'
      )
      assert.notInclude(alone.message, "minPerClass`")
      const broken = yield* Effect.flip(load(rowsOf({ a: 3, b: 3 }), { missing: ["a-0", "b-0"] }))
      assert.include(broken.message, "Mend the images: each class needs 3 that can be used.")
      assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
    })
  )

  const root = "../shared/datasets/fashion-product-images-small"
  describe.skipIf(!existsSync(root))("of the real catalogue", () => {
    /** Looks only whether the file is there. */
    const found = Layer.succeed(Images, {
      load: () => Effect.succeed(pixels),
      check: (path) =>
        existsSync(path)
          ? Effect.succeed({ height: 80, width: 60, channels: 3, format: "jpeg", digest: path })
          : Effect.fail(new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" }))
    })
    const real = (data: Partial<typeof DataConfig.Encoded> = {}) =>
      loadDataset({
        root,
        data: configOf({ root, csv: "styles.csv", columns: { label: "articleType" }, ...data }),
        image,
        loader,
        seed: 1
      }).pipe(Effect.provide([fileRows, found]))

    it.effect("keeps 38,998 of 40,116 rows in 70 classes, in parts of the configured shares", () =>
      Effect.gen(function* () {
        const { classes, ledger, test, train, validation } = yield* real()
        assert.strictEqual(ledger.listed, 40_116)
        assert.strictEqual(ledger.kept, 38_998)
        assert.strictEqual(classes.length, 70)
        assert.deepStrictEqual(countByReason(ledger.refusals), { malformed: 22, imageMissing: 4, classTooSmall: 1092 })
        assert.approximately(train.length / ledger.kept, 0.8, 0.008)
        assert.approximately(validation.length / ledger.kept, 0.1, 0.001)
        assert.approximately(test.length / ledger.kept, 0.1, 0.001)
      })
    )

    it.effect("keeps every class in a subset", () =>
      Effect.gen(function* () {
        const { classes, ledger } = yield* real({ limit: 3000 })
        assert.strictEqual(classes.length, 70)
        const { imageMissing = 0, overLimit } = countByReason(ledger.refusals)
        assert.strictEqual(overLimit, undefined)
        assert.strictEqual(ledger.overLimit, 39_002 - 3000)
        assert.strictEqual(ledger.kept, 3000 - imageMissing)
      })
    )
  })
})
