import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import type { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { SplitConfig } from "../../src/pipeline/DataConfig.ts"
import type { Known } from "../../src/pipeline/checkImages.ts"
import type { Dataset } from "../../src/pipeline/Dataset.ts"
import { loadDataset } from "../../src/pipeline/Dataset.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { Images } from "../../src/pipeline/Images.ts"
import { countByReason } from "../../src/pipeline/Ledger.ts"
import { LoaderConfig } from "../../src/pipeline/LoaderConfig.ts"
import type { ProgressEvent } from "../../src/pipeline/Progress.ts"
import { Progress } from "../../src/pipeline/Progress.ts"
import { Rows } from "../../src/pipeline/Rows.ts"
import type { Table } from "./rowsContract.ts"
import { configOf } from "./rowsContract.ts"

const image = Schema.decodeSync(ImageConfig)({})
const loader = Schema.decodeSync(LoaderConfig)({})
const pixels = { height: 1, width: 2, data: new Uint8Array(6) }

/** A dataset of rows (id, kind, file, name, year) in memory; rows with the same file have the same image. */
const load = Effect.fnUntraced(function* (rows: Table, data: Partial<typeof DataConfig.Encoded>) {
  const header = ["id", "kind", "file", "name", "year"]
  const files = new Map(rows.map(([, , file = ""]) => [`catalogue/images/${file}.jpg`, pixels]))
  const notes: Array<string> = []
  const dataset = yield* loadDataset({
    root: "catalogue",
    data: configOf({ minPerClass: 3, maxRefused: 1, ...data, images: "images/{file}.jpg" }),
    image,
    loader,
    seed: 1
  }).pipe(
    Effect.provide([Rows.layerMemory(new Map([["catalogue/list.csv", [header, ...rows]]])), Images.layerMemory(files)]),
    Effect.provideService(Progress, (event: ProgressEvent) =>
      Effect.sync(() => {
        if (event._tag === "Note") notes.push(event.line)
      })
    )
  )
  const partOf = new Map(
    (["train", "validation", "test"] as const).flatMap((part) => dataset[part].map(({ id }) => [id, part] as const))
  )
  return { dataset, notes, partOf }
})

/** So many rows of a label, each with an image of its own, three rows a name. */
const rowsOf = (label: string, size: number): Table =>
  Array.from({ length: size }, (_, i) => [
    `${label}${i}`,
    label,
    `${label}${i}`,
    `${label} ${Math.floor(i / 3)}`,
    String(2000 + (i % 20))
  ])

describe("data.split.fold", () => {
  const folds = (rows: Table, data: Partial<typeof DataConfig.Encoded>, of = 4) =>
    Effect.forEach([1, 2, 3, 4].slice(0, of), (number) =>
      load(rows, { ...data, split: { ...data.split, fold: { number, of } } })
    )

  it.effect("keeps the test part, and holds every other row once to validate, with its group and its bytes", () =>
    Effect.gen(function* () {
      const rows = [...rowsOf("cap", 60), ...rowsOf("top", 60)]
      // A row of another product with the image of the first one.
      const all = [...rows, ["copy", "cap", "cap0", "another", "2001"]]
      const split = { by: { group: "name" } } as const
      const plain = yield* load(all, { split })
      const found = yield* folds(all, { split })
      const held = found.flatMap(({ dataset }) => dataset.validation.map(({ id }) => id))
      assert.strictEqual(new Set(held).size, held.length)
      for (const { dataset, partOf } of found) {
        assert.deepStrictEqual(dataset.test, plain.dataset.test)
        assert.strictEqual(dataset.digest, plain.dataset.digest)
        assert.strictEqual(partOf.get("copy"), partOf.get("cap0"))
        for (let i = 0; i < 60; i += 3) assert.strictEqual(partOf.get(`top${i}`), partOf.get(`top${i + 2}`))
      }
      assert.strictEqual(held.length + plain.dataset.test.length, all.length)
      assert.include(found[1]?.notes.join("\n"), "fold 2 of 4 is the validation part")
    })
  )

  it.effect("keeps a test part that the rows name, and needs no validation share", () =>
    Effect.gen(function* () {
      const rows = rowsOf("cap", 40).map(([id = "", kind = "", file = ""], i) => [
        id,
        kind,
        file,
        i < 10 ? "test" : "train",
        "2001"
      ])
      const found = yield* folds(rows, { split: { by: { column: "name" }, train: 1, validation: 0, test: 0 } })
      for (const { dataset, notes } of found) {
        assert.sameMembers(
          dataset.test.map(({ id }) => id),
          rows.slice(0, 10).map(([id = ""]) => id)
        )
        assert.isFalse(notes.some((note) => note.includes("are taken for it")))
      }
      assert.sameMembers(
        found.flatMap(({ dataset }) => dataset.validation.map(({ id }) => id)),
        rows.slice(10).map(([id = ""]) => id)
      )
    })
  )

  it.effect("names classes that a fold lacks", () =>
    Effect.gen(function* () {
      const [first] = yield* folds([...rowsOf("cap", 60), ...rowsOf("hat", 3)], { split: { by: { group: "name" } } })
      assert.include(first?.notes.join("\n"), '"hat" (3 rows in 1 group')
    })
  )

  it("is refused with a division by time, and beyond the number of folds", () => {
    const decode = (split: object) => Schema.decodeUnknownResult(SplitConfig)(split)
    assert.isTrue(Result.isFailure(decode({ by: { time: "year" }, fold: { number: 1, of: 3 } })))
    assert.isTrue(Result.isFailure(decode({ fold: { number: 4, of: 3 } })))
    assert.isTrue(Result.isSuccess(decode({ fold: { number: 3, of: 3 } })))
  })
})

describe("data.split.by", () => {
  it.effect("keeps rows with the same image in one part, by row too", () =>
    Effect.gen(function* () {
      const rows = [...rowsOf("cap", 60), ...rowsOf("top", 60)]
      // Each image of a top twice.
      const twice = rows.flatMap(([id = "", kind = "", file = "", name = "", year = ""]): Table =>
        kind === "cap"
          ? [[id, kind, file, name, year]]
          : [
              [id, kind, file, name, year],
              [`${id}b`, kind, file, name, year]
            ]
      )
      const { partOf } = yield* load(twice, {})
      for (let i = 0; i < 60; i++) assert.strictEqual(partOf.get(`top${i}`), partOf.get(`top${i}b`))
      const alone = yield* load(rows, {})
      for (let i = 0; i < 60; i++) assert.strictEqual(partOf.get(`cap${i}`), alone.partOf.get(`cap${i}`))
    })
  )

  it.effect("keeps groups by columns or a pattern in one part; a row without a cell is its own group", () =>
    Effect.gen(function* () {
      const rows = [
        ...rowsOf("cap", 60),
        ...rowsOf("top", 60),
        ["x", "top", "x", "", "2001"],
        ["y", "top", "y", "", "2001"]
      ]
      const { notes, partOf } = yield* load(rows, { split: { by: { group: "name" } } })
      for (let i = 0; i < 60; i++) assert.strictEqual(partOf.get(`top${i}`), partOf.get(`top${i - (i % 3)}`))
      assert.deepStrictEqual(notes, [
        "catalogue/list.csv: 2 rows have no cell to group by (`data.split.by`): each is a group of its own"
      ])
      const decades = yield* load(rows, { split: { by: { group: "id", pattern: "^([a-z]+\\d)" } } })
      for (let i = 10; i < 60; i++)
        assert.strictEqual(decades.partOf.get(`top${i}`), decades.partOf.get(`top${Math.floor(i / 10)}`))
      const years = yield* load(rows, { split: { by: { group: ["kind", "year"] } } })
      for (let i = 20; i < 60; i++) assert.strictEqual(years.partOf.get(`top${i}`), years.partOf.get(`top${i % 20}`))
      const none = yield* Effect.flip(load(rows, { split: { by: { group: "id", pattern: "^nothing" } } }))
      assert.match(none.message, /no row has a group: the pattern "\^nothing" is in none of the cells/)
    })
  )

  it.effect("names classes with too few groups", () =>
    Effect.gen(function* () {
      const few = Array.from({ length: 12 }, (_, i) => [`b${i}`, "bag", `b${i}`, "the one bag", "2001"])
      const { notes } = yield* load([...rowsOf("cap", 60), ...few], { split: { by: { group: "name" } } })
      assert.deepStrictEqual(notes, [
        'catalogue/list.csv: classes with too few groups to be in every part: "bag" (12 rows in 1 group, no validation and no test row)'
      ])
    })
  )

  it.effect("divides by time, and refuses times that cannot be read", () =>
    Effect.gen(function* () {
      const rows = [
        ...rowsOf("cap", 60),
        ...rowsOf("top", 60),
        ["x", "top", "x", "n", "soon"],
        ["y", "top", "y", "n", ""]
      ]
      const { dataset, notes, partOf } = yield* load(rows, { split: { by: { time: "year" } } })
      assert.deepStrictEqual([dataset.train.length, dataset.validation.length, dataset.test.length], [96, 12, 12])
      for (const i of [18, 19, 38, 59]) assert.strictEqual(partOf.get(`cap${i}`), "test")
      assert.match(
        notes[0] ?? "",
        /test from 2018 on \(12 rows\), validation from 2016 on \(12\), training before that/
      )
      assert.deepStrictEqual(
        dataset.ledger.refusals.map(({ detail, line, reason }) => [line, reason, detail]),
        [
          [
            122,
            "unknownTime",
            'the column "year" has "soon"; expected a number, or a date such as 2012-05-31 or 2012-05-31T10:00:00Z'
          ],
          [
            123,
            "unknownTime",
            'the column "year" is empty; expected a number, or a date such as 2012-05-31 or 2012-05-31T10:00:00Z'
          ]
        ]
      )
      // Among dates a year is its first day, and another number has no place.
      const dated = rows.map(([id = "", kind = "", file = "", name = "", year = ""]) => [
        id,
        kind,
        file,
        name,
        id === "cap3" ? "17" : id === "cap4" ? "2004" : `${year}-06-30`
      ])
      const found = yield* load(dated.slice(0, 120), { split: { by: { time: "year" } } })
      assert.deepStrictEqual(countByReason(found.dataset.ledger.refusals), { unknownTime: 1 })
      assert.match(found.notes[0] ?? "", /test from 2018-06-30 on/)
    })
  )
})

describe("data.split.nearDuplicates", () => {
  it.effect("joins photos that look alike into one group where it says so, and counts them otherwise", () =>
    Effect.gen(function* () {
      const rows = [...rowsOf("cap", 60), ...rowsOf("top", 60)]
      const looksOf = (path: string) => {
        const { next } = draw("looks", path.replace(/(top\d)\d*\.jpg$/, "$1"))
        return Array.from({ length: 64 }, () => Math.floor(16 * next()).toString(16)).join("")
      }
      const load = (nearDuplicates?: "together" | "apart", known?: Known) =>
        loadDataset({
          root: "catalogue",
          data: configOf({ minPerClass: 3, images: "{file}.jpg", split: nearDuplicates ? { nearDuplicates } : {} }),
          image,
          loader,
          seed: 1,
          known
        }).pipe(
          Effect.provideService(
            Images,
            Images.of({
              load: () => Effect.succeed(pixels),
              check: (path) =>
                Effect.succeed({
                  height: 1,
                  width: 2,
                  channels: 3,
                  format: "none",
                  digest: path,
                  fingerprint: looksOf(path)
                })
            })
          ),
          Effect.provide(
            Rows.layerMemory(new Map([["catalogue/list.csv", [["id", "kind", "file", "name", "year"], ...rows]]]))
          )
        )
      const apart = yield* load("apart")
      assert.deepStrictEqual(yield* load(), apart)
      const looksShared = (dataset: Dataset) => dataset.leakage?.shared.find(({ kind }) => kind === "looks")?.test
      assert.isAbove(looksShared(apart) ?? 0, 0)
      const together = yield* load("together")
      assert.strictEqual(looksShared(together), 0)
      for (const part of [together.train, together.validation, together.test])
        for (const { id } of part.filter(({ id }) => id.startsWith("top")))
          assert.isTrue(part.some((one) => one.id === id.slice(0, 4)))
      // A run that goes on knows the bytes, and divides as it began.
      const kept = new Map([...apart.train, ...apart.validation, ...apart.test].map(({ digest, id }) => [id, digest]))
      const resumed = yield* load("together", { kept })
      assert.deepStrictEqual(resumed.test, together.test)
    })
  )
})

describe("data.conflicts", () => {
  const conflicting: Table = [
    ["s1", "cap", "same", "", ""],
    ["s2", "top", "same", "", ""],
    ["s3", "top", "same", "", ""],
    ["t1", "cap", "tied", "", ""],
    ["t2", "top", "tied", "", ""]
  ]
  const rows = [...rowsOf("cap", 20), ...rowsOf("top", 20), ...conflicting]

  it.effect("keeps, refuses, or keeps the majority of rows with one image and several labels", () =>
    Effect.gen(function* () {
      const refusedBy = Effect.fnUntraced(function* (conflicts: DataConfig["conflicts"]) {
        const { dataset } = yield* load(rows, conflicts === undefined ? {} : { conflicts })
        assert.strictEqual(dataset.ledger.listed, dataset.ledger.kept + dataset.ledger.refusals.length)
        return dataset.ledger.refusals.map(({ id, reason }) => `${id} ${reason}`)
      })
      assert.deepStrictEqual(yield* refusedBy(undefined), [])
      assert.deepStrictEqual(yield* refusedBy("keep"), [])
      const all = ["s1", "s2", "s3", "t1", "t2"].map((id) => `${id} labelConflict`)
      assert.deepStrictEqual(yield* refusedBy("refuse"), all)
      assert.deepStrictEqual(yield* refusedBy("majority"), [all[0], all[3], all[4]])
    })
  )

  it.effect("says which rows contradict each other, and counts them as faults", () =>
    Effect.gen(function* () {
      const { dataset } = yield* load(rows, { conflicts: "majority" })
      assert.strictEqual(dataset.ledger.refusals[0]?.detail, 'lines 42, 43, 44 have the same image: "top" 2, "cap" 1')
      const spent = yield* Effect.flip(load(rows, { conflicts: "refuse", maxRefused: 0.05 }))
      assert.match(spent.message, /same image with another label 5/)
    })
  )
})

describe("data.rare", () => {
  const rows = [...rowsOf("cap", 20), ...rowsOf("top", 20), ...rowsOf("bag", 6), ...rowsOf("belt", 5)]

  it.effect("makes one class of those below the minimum, which holds for it too", () =>
    Effect.gen(function* () {
      const merged = yield* load(rows, { minPerClass: 10, rare: { as: "other" } })
      assert.deepStrictEqual(merged.dataset.classes, ["cap", "other", "top"])
      assert.strictEqual(merged.dataset.ledger.kept, 51)
      const small = yield* load(rows, { minPerClass: 15, rare: { as: "other" } })
      assert.deepStrictEqual(small.dataset.classes, ["cap", "top"])
      assert.deepStrictEqual(countByReason(small.dataset.ledger.refusals), { classTooSmall: 11 })
      const left = yield* load(rows, { minPerClass: 10, rare: "leave out" })
      assert.deepStrictEqual(left.dataset.classes, ["cap", "top"])
    })
  )

  it.effect("refuses a name that a class has already", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.flip(load(rows, { minPerClass: 10, rare: { as: " cap" } }))
      assert.match(taken.message, /merged class "cap", and there is a class of that name with 20 rows\. Choose another/)
    })
  )
})
