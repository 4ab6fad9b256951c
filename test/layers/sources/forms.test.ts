/** One small catalogue in its four forms: the same rows, the same samples, the same split, the same digest. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import { writeFileSync } from "node:fs"
import sharp from "sharp"
import * as AllImageBytes from "../../../src/layers/images/AllImageBytes.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import { layer as fileRows } from "../../../src/layers/sources/FileRows.ts"
import { DataConfig } from "../../../src/pipeline/DataConfig.ts"
import { loadDataset } from "../../../src/pipeline/Dataset.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { LoaderConfig } from "../../../src/pipeline/LoaderConfig.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { readAll } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import type { Photo } from "./catalogueForms.ts"
import { pathOf, writeForms } from "./catalogueForms.ts"

const labels = ["shirt", "bag", "shoe"] as const
const parts = ["train", "train", "train", "val", "test"] as const

/** Ten photos of each class, no two alike; of two classes, those of one part are named alike. */
const photos = Effect.promise(() =>
  Promise.all(
    labels.flatMap((label, row) =>
      Array.from({ length: 10 }, async (_, index): Promise<Photo> => {
        const background = { r: 40 + 80 * row, g: 10 + 20 * index, b: 90 }
        const image = sharp({ create: { width: 31, height: 17, channels: 3, background } })
        return {
          label,
          part: parts[index % parts.length] ?? "train",
          name: `photo ${index}.jpg`,
          bytes: new Uint8Array(await image.jpeg().toBuffer())
        }
      })
    )
  )
)

const live = Layer.merge(fileRows, SharpImages.layerFromBytes.pipe(Layer.provideMerge(AllImageBytes.layer)))

const load = (keys: Partial<typeof DataConfig.Encoded>) =>
  Effect.gen(function* () {
    const data = Schema.decodeSync(DataConfig)({ minPerClass: 3, ...keys })
    const notes: Array<string> = []
    const watch = (event: ProgressEvent) => Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
    const dataset = yield* loadDataset({
      root: data.root ?? "",
      data,
      image: Schema.decodeSync(ImageConfig)({}),
      loader: Schema.decodeSync(LoaderConfig)({}),
      seed: 7
    }).pipe(Effect.provideService(Progress, watch))
    return { dataset, notes }
  })

const forms = ["csv", "folders", "jsonl", "parquet"] as const

describe("one catalogue in its four forms", () => {
  for (const withParts of [false, true])
    it.effect(`lists the same rows${withParts ? ", each with its part" : ""}`, () =>
      Effect.gen(function* () {
        const all = yield* photos
        const keys = writeForms(yield* temporaryFolder, all, withParts)
        const expected = all
          .map((photo) => ({
            id: pathOf(photo, withParts),
            label: photo.label,
            part: withParts ? (photo.part === "val" ? "validation" : photo.part) : undefined
          }))
          .sort((a, b) => (a.id < b.id ? -1 : 1))
        for (const form of forms) {
          const listed = yield* readAll(keys[form].root, Schema.decodeSync(DataConfig)(keys[form]))
          const rows = listed.filter(Result.isSuccess).map(({ success: { id, label, part } }) => ({ id, label, part }))
          assert.strictEqual(rows.length, listed.length, form)
          assert.deepStrictEqual(
            rows.sort((a, b) => (a.id < b.id ? -1 : 1)),
            expected,
            form
          )
        }
      }).pipe(Effect.provide(fileRows))
    )

  for (const withParts of [false, true])
    it.effect(`is the same dataset${withParts ? ", divided as it says" : ", divided alike"}`, () =>
      Effect.gen(function* () {
        const all = yield* photos
        const keys = writeForms(yield* temporaryFolder, all, withParts)
        const loaded = yield* Effect.forEach(forms, (form) => load(keys[form]))
        const [first] = loaded
        const idsOf = ({ dataset }: (typeof loaded)[number]) =>
          (["train", "validation", "test"] as const).map((part) => dataset[part].map(({ id }) => id))
        for (const one of loaded) {
          assert.strictEqual(one.dataset.digest, first?.dataset.digest)
          assert.deepStrictEqual(idsOf(one), first === undefined ? [] : idsOf(first))
          assert.deepStrictEqual(one.dataset.ledger.refusals, [])
        }
        const sizes = idsOf(loaded[0]!).map((ids) => ids.length)
        assert.deepStrictEqual(sizes, withParts ? [18, 6, 6] : [24, 3, 3])
      }).pipe(Effect.provide(live))
    )

  it.effect("is divided by groups alike, whatever parts its folders name", () =>
    Effect.gen(function* () {
      const all = yield* photos
      for (const withParts of [false, true]) {
        const keys = writeForms(yield* temporaryFolder, all, withParts)
        // Three photos of each number, one of each class.
        const groupedBy = (group: string) => ({ split: { by: { group, pattern: "photo (\\d)" } } })
        const loaded = yield* Effect.forEach(forms, (form) =>
          load({ ...keys[form], ...groupedBy(form === "jsonl" ? "file_name" : "id") })
        )
        const partsOf = ({ dataset }: (typeof loaded)[number]) =>
          new Map(
            (["train", "validation", "test"] as const).flatMap((part) =>
              dataset[part].map(({ id }) => [id, part] as const)
            )
          )
        const first = loaded[0] && partsOf(loaded[0])
        for (const one of loaded) {
          assert.deepStrictEqual(partsOf(one), first)
          assert.deepStrictEqual([one.dataset.train.length, one.dataset.validation.length], [24, 3])
          for (const part of ["train", "validation", "test"] as const) {
            const numbers = one.dataset[part].map(({ id }) => /photo (\d)/.exec(id)?.[1] ?? "")
            assert.strictEqual(new Set(numbers).size * 3, numbers.length)
          }
        }
      }
    }).pipe(Effect.provide(live))
  )

  it.effect("has the same bytes, wherever they lie", () =>
    Effect.gen(function* () {
      const all = yield* photos
      const keys = writeForms(yield* temporaryFolder, all, false)
      const bytes = yield* ImageBytes
      for (const form of forms) {
        const { dataset } = yield* load(keys[form])
        const samples = [...dataset.train, ...dataset.validation, ...dataset.test]
        for (const { id, path, within } of samples) {
          const read = yield* bytes.read(path, 1e6, within)
          const photo = all.find((one) => pathOf(one, false) === id)
          assert.deepStrictEqual(Buffer.from(read), Buffer.from(photo?.bytes ?? []), `${form} ${id}`)
        }
        assert.strictEqual(samples.length, 30)
      }
    }).pipe(Effect.provide(live))
  )
}, 60_000)

const given = (rows: string) =>
  Effect.gen(function* () {
    const all = yield* photos
    const root = yield* temporaryFolder
    const keys = writeForms(root, all, false)
    writeFileSync(`${keys.csv.root}/list.csv`, rows)
    return yield* load({ ...keys.csv, split: { by: { column: "split" } }, maxRefused: 1 })
  }).pipe(Effect.provide(live))

const rowsWith = (partOf: (label: string, index: number) => string) =>
  `id,label,split\n${labels
    .flatMap((label) => Array.from({ length: 10 }, (_, i) => `${label}/photo ${i}.jpg,${label},${partOf(label, i)}\n`))
    .join("")}`

describe("given parts", () => {
  it.effect("take common words, in capitals or not, and refuse others by name", () =>
    Effect.gen(function* () {
      const words = ["Train", "training", "VAL", "valid", "validation", "dev", "test", "testing", "holdout", ""]
      const { dataset } = yield* given(rowsWith((_, i) => words[i] ?? ""))
      assert.deepStrictEqual([dataset.train.length, dataset.validation.length, dataset.test.length], [6, 12, 6])
      const refused = dataset.ledger.refusals.filter(({ label }) => label === "shirt")
      assert.deepStrictEqual(
        refused.map(({ detail, reason }) => [reason, detail]),
        [
          ["unknownPart", 'the column "split" has "holdout"; expected train, validation (val, valid, dev) or test'],
          ["unknownPart", 'the column "split" is empty; expected train, validation (val, valid, dev) or test']
        ]
      )
    })
  )

  it.effect("that lack validation and test rows take them from the training rows, and say so", () =>
    Effect.gen(function* () {
      const { dataset, notes } = yield* given(rowsWith((_, i) => (i < 2 ? "test" : "train")))
      assert.deepStrictEqual([dataset.train.length, dataset.validation.length, dataset.test.length], [21, 3, 6])
      assert.strictEqual(notes.length, 1)
      assert.match(notes[0] ?? "", /no row is of the validation part: 3 of the 24 training rows are taken for it/)
      const none = yield* given(rowsWith(() => "train"))
      const { test, train, validation } = none.dataset
      assert.deepStrictEqual([train.length, validation.length, test.length], [24, 3, 3])
      assert.strictEqual(none.notes.length, 2)
    })
  )

  it.effect("without a training row end the run; a class without one is named", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(given(rowsWith(() => "test")))
      assert.strictEqual(error._tag, "DataUnusable")
      assert.include(error.message, "none of the 30 rows that can be used is of the training part")
      assert.include(error.message, '`data.split.by = "row"`')
      const { notes } = yield* given(rowsWith((label, i) => (label === "bag" ? "test" : i < 2 ? "val" : "train")))
      assert.match(notes.join(), /no training row is of the class "bag"/)
    })
  )
}, 60_000)
