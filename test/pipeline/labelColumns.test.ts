import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema, Stream } from "effect"

import { Augment } from "../../src/pipeline/Augment.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import type { DataConfig } from "../../src/pipeline/DataConfig.ts"
import type { Dataset } from "../../src/pipeline/Dataset.ts"
import { listing, loadDataset } from "../../src/pipeline/Dataset.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { ImageRefused, Images } from "../../src/pipeline/Images.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { elementAt } from "../../src/pipeline/elementAt.ts"
import { byCodePoint } from "../../src/pipeline/hashOrder.ts"
import type { LabelColumn } from "../../src/pipeline/LabelColumn.ts"
import { parentClasses } from "../../src/pipeline/parentClasses.ts"
import { seenTogether } from "../../src/pipeline/seenTogether.ts"
import { columnCounts } from "../../src/run/train/classCounts.ts"
import type { LabelColumns } from "../../src/pipeline/LabelColumnConfig.ts"
import { labelTexts } from "../../src/pipeline/labelTexts.ts"
import { countByReason } from "../../src/pipeline/Ledger.ts"
import { LoaderConfig } from "../../src/pipeline/LoaderConfig.ts"
import { makeLosses, withoutLost } from "../../src/pipeline/Losses.ts"
import * as Pipeline from "../../src/pipeline/Pipeline.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"
import type { ProgressEvent } from "../../src/pipeline/Progress.ts"
import { Progress } from "../../src/pipeline/Progress.ts"
import { Rows } from "../../src/pipeline/Rows.ts"
import type { Sample } from "../../src/pipeline/Sample.ts"
import { sha256 } from "../../src/pipeline/sha256.ts"
import type { Table } from "./rowsContract.ts"
import { configOf } from "./rowsContract.ts"

const image = Schema.decodeSync(ImageConfig)({ height: 8, width: 9 })
const loader = Schema.decodeSync(LoaderConfig)({})
const augment = Schema.decodeSync(AugmentConfig)({})
const pixels: Pixels = { height: 8, width: 9, data: new Uint8Array(216) }

/** Images with the bytes that the id names behind `=`, or with bytes of their own; those that begin with `!` are missing. */
const images = Layer.succeed(Images, {
  load: () => Effect.succeed(pixels),
  check: (path) =>
    path.includes("!")
      ? Effect.fail(new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" }))
      : Effect.succeed({
          height: 1,
          width: 2,
          channels: 3,
          format: "memory",
          digest: /=(.*)\.jpg$/.exec(path)?.[1] ?? path
        })
})

interface Given {
  readonly header?: ReadonlyArray<string>
  readonly label: LabelColumns
  readonly data?: Partial<typeof DataConfig.Encoded>
}

const dataOf = ({ data, label }: Given): DataConfig =>
  configOf({ minPerClass: 3, maxRefused: 1, ...data, columns: { id: "id", label } })

/** The dataset of a table, and what was noted. */
const load = (rows: Table, given: Given) =>
  Effect.gen(function* () {
    const notes: Array<string> = []
    const watch = (event: ProgressEvent) => Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
    const header = given.header ?? ["id", "type", "colour", "tags"]
    const dataset = yield* loadDataset({ root: "catalogue", data: dataOf(given), image, loader, seed: 1 }).pipe(
      Effect.provide([Rows.layerMemory(new Map([["catalogue/list.csv", [header, ...rows]]])), images]),
      Effect.provideService(Progress, watch)
    )
    return { dataset, notes }
  })

const all = ({ test, train, validation }: Dataset): ReadonlyArray<Sample> => [...train, ...validation, ...test]

/** What a sample's cells say, by its id. */
const labelsIn = (dataset: Dataset, id: string) => {
  const sample = all(dataset).find((one) => one.id === id)
  return sample === undefined ? undefined : labelTexts(dataset.columns, sample)
}

const repeat = (times: number, cells: ReadonlyArray<string>, from = 0): Table =>
  Array.from({ length: times }, (_, i) => [`${cells.join("-")}-${from + i}`, ...cells])

const three: LabelColumns = ["type", "colour", { column: "tags", separator: ";" }]

describe("several label columns", () => {
  it.effect("are read from one row: each its own classes, values apart, what is empty or rare not known", () =>
    Effect.gen(function* () {
      const { dataset } = yield* load(
        [
          ...repeat(6, ["Tops", "red", "wool; new"]),
          ...repeat(6, ["Caps", "blue", "wool"]),
          ["no-type", "", "red", " b; a ;;a;wool "],
          ["no-colour", "Caps", " ", "new"],
          ["rare-colour", "Caps", "mauve", ""],
          ["rare-tags", "Tops", "blue", "b;c"],
          ["nothing", " ", "", ""],
          ["all-rare", "Gowns", "ochre", "d"],
          ["separators", "Tops", "", " ; ;"]
        ],
        { label: three }
      )
      assert.deepStrictEqual(
        dataset.columns.map(({ classes, name, values }) => [name, values, classes]),
        [
          ["type", "one", ["Caps", "Tops"]],
          ["colour", "one", ["blue", "red"]],
          ["tags", "several", ["new", "wool"]]
        ]
      )
      assert.deepStrictEqual(dataset.classes, ["Caps", "Tops"])
      const found = (id: string) => labelsIn(dataset, id)
      assert.deepStrictEqual(found("Tops-red-wool; new-0"), {
        label: "Tops",
        labels: [["Tops"], ["red"], ["new", "wool"]]
      })
      assert.deepStrictEqual(found("no-type"), { label: "", labels: [undefined, ["red"], ["wool"]] })
      assert.deepStrictEqual(found("no-colour"), { label: "Caps", labels: [["Caps"], undefined, ["new"]] })
      assert.deepStrictEqual(found("rare-colour"), { label: "Caps", labels: [["Caps"], undefined, undefined] })
      assert.deepStrictEqual(found("rare-tags"), { label: "Tops", labels: [["Tops"], ["blue"], undefined] })
      assert.deepStrictEqual(found("separators"), { label: "Tops", labels: [["Tops"], undefined, undefined] })
      assert.deepStrictEqual(countByReason(dataset.ledger.refusals), { missingLabel: 1, classTooSmall: 1 })
      assert.deepStrictEqual(
        dataset.ledger.refusals.map(({ detail, id, labels }) => [id, labels, detail]),
        [
          [undefined, undefined, 'the columns "type", "colour", "tags" are empty'],
          [
            "all-rare",
            [["Gowns"], ["ochre"], ["d"]],
            "in every label column its value has fewer rows than `data.minPerClass`"
          ]
        ]
      )
    })
  )

  it.effect("give batches with the labels of every column, in the order of the images", () =>
    Effect.gen(function* () {
      const rows = [
        ...repeat(9, ["Tops", "red", "wool; new"]),
        ...repeat(9, ["Caps", "", "wool"]),
        ...repeat(9, ["", "blue", ""])
      ]
      const given = { label: three }
      const { dataset } = yield* load(rows, given)
      const data = dataOf(given)
      const losses = makeLosses(dataset, data)
      const config = { seed: 3, data, image, augment, loader, train: { batchSize: 5 } }
      const batches = yield* Stream.runCollect(Pipeline.trainingBatches(config, dataset.train, losses, 0, 0)).pipe(
        Effect.provide([images, Augment.layer])
      )
      const byId = new Map(dataset.train.map((sample) => [sample.id, sample]))
      assert.isAbove(batches.length, 3)
      for (const { columns, ids, labels, size } of batches) {
        const [type, colour, tags] = columns ?? []
        if (type?.values !== "one" || colour?.values !== "one" || tags?.values !== "several")
          return assert.fail("kinds")
        assert.deepStrictEqual(type.labels, labels)
        assert.strictEqual(tags.labels.length, 2 * size)
        for (const [row, id] of ids.entries()) {
          const sample = byId.get(id)
          assert.strictEqual(labels[row], id.startsWith("Tops") ? 1 : id.startsWith("Caps") ? 0 : -1)
          assert.strictEqual(sample?.label, labels[row])
          assert.strictEqual(colour.labels[row], id.startsWith("Tops") ? 1 : id.startsWith("Caps") ? -1 : 0)
          assert.strictEqual(tags.known[row], id.startsWith("Tops") || id.startsWith("Caps") ? 1 : 0)
          assert.deepStrictEqual(
            [...tags.labels.subarray(2 * row, 2 * row + 2)],
            id.startsWith("Tops") ? [1, 1] : id.startsWith("Caps") ? [0, 1] : [0, 0]
          )
        }
      }
    })
  )

  it.effect("of a list of one name are one column: the same dataset as the name alone, bit for bit", () =>
    Effect.gen(function* () {
      const rows = [...repeat(5, ["Tops", "red", ""]), ...repeat(5, ["Caps", "blue", ""]), ["x", "", "blue", ""]]
      const { dataset: name } = yield* load(rows, { label: "type" })
      const { dataset: list } = yield* load(rows, { label: ["type"] })
      assert.deepStrictEqual(list, name)
      const lines = [...rows]
        .slice(0, 10)
        .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
        .map(([id, type]) => `["${id}","${type}","catalogue/images/${id}.jpg"]\n`)
        .join("")
      assert.strictEqual(listing(name), lines)
      assert.strictEqual(name.digest, yield* sha256(lines))
      assert.isTrue(all(name).every((sample) => !("labels" in sample) && !("leftOut" in sample)))
    })
  )

  it.effect("are all in the listing, of which the digest is", () =>
    Effect.gen(function* () {
      const rows = [
        ...repeat(4, ["Tops", "", "b;a"]),
        ...repeat(4, ["Caps", "red", ""]),
        ...repeat(3, ["Caps", "red", "a;b"])
      ]
      const { dataset } = yield* load(rows, { label: three })
      const lines = listing(dataset).split("\n")
      assert.strictEqual(lines[0], '["Caps-red--0",["Caps","red",null],"catalogue/images/Caps-red--0.jpg"]')
      assert.strictEqual(lines.at(-2), '["Tops--b;a-3",["Tops",null,["a","b"]],"catalogue/images/Tops--b;a-3.jpg"]')
      assert.strictEqual(dataset.digest, yield* sha256(listing(dataset)))
      const { dataset: reversed } = yield* load(rows.toReversed(), { label: three })
      assert.strictEqual(reversed.digest, dataset.digest)
      const { dataset: other } = yield* load([...rows.slice(0, -1), ["Caps-red-a;b-2", "Caps", "red", "a"]], {
        label: three
      })
      assert.notStrictEqual(other.digest, dataset.digest)
    })
  )

  it.effect("take a minimum of their own, and one name for what is rare", () =>
    Effect.gen(function* () {
      const rows = [
        ...repeat(6, ["Tops", "red", "a"]),
        ...repeat(6, ["Caps", "blue", "b"]),
        ...repeat(3, ["Caps", "teal", "c;a"]),
        ...repeat(3, ["Tops", "lime", "d"])
      ]
      const label: LabelColumns = [
        "type",
        { column: "colour", minPerClass: 4 },
        { column: "tags", separator: ";", minPerClass: 5 }
      ]
      const { dataset } = yield* load(rows, { label })
      assert.deepStrictEqual(
        dataset.columns.map(({ classes }) => classes),
        [
          ["Caps", "Tops"],
          ["blue", "red"],
          ["a", "b"]
        ]
      )
      assert.deepStrictEqual(labelsIn(dataset, "Caps-teal-c;a-0")?.labels, [["Caps"], undefined, ["a"]])
      assert.deepStrictEqual(labelsIn(dataset, "Tops-lime-d-0")?.labels, [["Tops"], undefined, undefined])
      const { dataset: merged } = yield* load(rows, { label, data: { rare: { as: "other" } } })
      assert.deepStrictEqual(
        merged.columns.map(({ classes }) => classes),
        [
          ["Caps", "Tops"],
          ["blue", "other", "red"],
          ["a", "b", "other"]
        ]
      )
      assert.deepStrictEqual(labelsIn(merged, "Caps-teal-c;a-0")?.labels, [["Caps"], ["other"], ["a", "other"]])
      const taken = yield* Effect.flip(load(rows, { label, data: { rare: { as: "blue" } } }))
      assert.include(taken.message, 'there is a class of that name in the column "colour" with 6 rows')
    })
  )

  it.effect("leave out the labels that contradict each other; the first column's, with their rows", () =>
    Effect.gen(function* () {
      const rows = [
        ...repeat(6, ["Tops", "red", "a"]),
        ...repeat(6, ["Caps", "blue", "b"]),
        ["1=x", "Tops", "red", "a"],
        ["2=x", "Tops", "blue", "a"],
        ["3=x", "Tops", "red", "a;b"],
        ["4=y", "Tops", "red", ""],
        ["5=y", "Caps", "red", ""],
        ["6=z", "", "red", ""],
        ["7=z", "", "blue", ""]
      ]
      const kept = (conflicts: "keep" | "refuse" | "majority") =>
        Effect.map(load(rows, { label: three, data: { conflicts } }), ({ dataset }) => ({
          labels: ["1=x", "2=x", "3=x", "4=y", "5=y", "6=z", "7=z"].map((id) => labelsIn(dataset, id)?.labels),
          refused: dataset.ledger.refusals.map(({ id, reason }) => [id, reason])
        }))
      const [tops, red, blue, a, b] = [["Tops"], ["red"], ["blue"], ["a"], ["a", "b"]]
      assert.deepStrictEqual(yield* kept("keep"), {
        labels: [
          [tops, red, a],
          [tops, blue, a],
          [tops, red, b],
          [tops, red, undefined],
          [["Caps"], red, undefined],
          [undefined, red, undefined],
          [undefined, blue, undefined]
        ],
        refused: []
      })
      const gone = [
        ["4=y", "labelConflict"],
        ["5=y", "labelConflict"],
        ["6=z", "labelConflict"],
        ["7=z", "labelConflict"]
      ]
      const nothing = undefined
      assert.deepStrictEqual(yield* kept("refuse"), {
        labels: [
          [tops, nothing, nothing],
          [tops, nothing, nothing],
          [tops, nothing, nothing],
          nothing,
          nothing,
          nothing,
          nothing
        ],
        refused: gone
      })
      assert.deepStrictEqual(yield* kept("majority"), {
        labels: [[tops, red, a], [tops, nothing, a], [tops, red, nothing], nothing, nothing, nothing, nothing],
        refused: gone
      })
    })
  )

  it.effect("are known to the ledger when a sample leaves the run", () =>
    Effect.gen(function* () {
      const rows = [...repeat(9, ["Tops", "red", "a"]), ...repeat(9, ["", "", "b"]), ["r", "Tops", "mauve", "a;c"]]
      const { dataset } = yield* load(rows, { label: three })
      const lost = withoutLost(dataset, [
        { id: "--b-0", reason: "imageMissing", detail: "gone", epoch: 1 },
        { id: "r", reason: "imageMissing", detail: "gone", epoch: 1 }
      ])
      assert.deepStrictEqual(
        lost.ledger.refusals.map(({ id, label, labels }) => [id, label, labels]),
        [
          ["--b-0", undefined, [null, null, ["b"]]],
          ["r", "Tops", [["Tops"], ["mauve"], ["a", "c"]]]
        ]
      )
    })
  )

  it.effect("of which one has no class that is large enough are refused by its name", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 12 }, (_, i) => [`${i}`, i % 2 === 0 ? "Tops" : "Caps", `colour ${i}`, ""])
      const error = yield* Effect.flip(load(rows, { label: ["type", "colour"] }))
      assert.include(
        error.message,
        'catalogue/list.csv: no value of the column "colour" has 3 rows (`data.minPerClass`)'
      )
    })
  )

  const Choice = Schema.Struct({
    seed: Schema.Int,
    rare: Schema.Boolean,
    conflicts: Schema.Literals(["keep", "refuse", "majority"]),
    limit: Schema.Boolean
  })
  it.effect.prop(
    "add up: every listed row is kept, refused or left out, and every kept one known, empty, rare or conflicting in each column",
    { choice: Choice },
    ({ choice: { conflicts, limit, rare, seed } }) =>
      Effect.gen(function* () {
        const random = draw(seed, "rows")
        const pick = (values: ReadonlyArray<string>) => values[random.below(values.length)] ?? ""
        const rows = Array.from({ length: 60 + random.below(60) }, (_, i) => [
          pick([`${i}`, `${i}`, `${i}`, `${i}`, `!${i}`, `${i}=${random.below(9)}`, "same", ""]),
          pick(["Tops", "Tops", "Caps", " Bags", "Gowns", ""]),
          pick(["red", "blue", "blue", "", `colour ${random.below(20)}`]),
          Array.from({ length: random.below(4) }, () => pick(["a", "b", " c", "", `tag ${random.below(30)}`])).join(";")
        ])
        const label: LabelColumns = ["type", { column: "colour", minPerClass: 5 }, { column: "tags", separator: ";" }]
        const loaded = yield* Effect.result(
          load(rows, {
            label,
            data: { minPerClass: 4, conflicts, ...(rare && { rare: { as: "other" } }), ...(limit && { limit: 40 }) }
          })
        )
        if (Result.isFailure(loaded)) {
          assert.include(["noClasses"], "reason" in loaded.failure ? loaded.failure.reason : "")
          return
        }
        const { dataset } = loaded.success
        const { columns, ledger } = dataset
        const samples = all(dataset)
        assert.strictEqual(ledger.listed, rows.length)
        assert.strictEqual(ledger.kept, samples.length)
        assert.strictEqual(ledger.listed, ledger.kept + ledger.refusals.length + ledger.overLimit)
        assert.strictEqual(new Set(samples.map(({ id }) => id)).size, samples.length)

        // Of rows with one id the first counts that is a row at all: one without any label is refused before.
        const labelled = rows.filter(([, ...own]) => own.some((cell) => /[^\s;]/.test(cell)))
        const cells = new Map(labelled.toReversed().map(([id = "", ...own]) => [id, own]))
        const counts = columnCounts(dataset)
        for (const [k, { classes, name }] of columns.entries()) {
          const { conflicting = 0, empty, known, perClass, rare: masked } = elementAt(counts, k)
          assert.strictEqual(known + empty + masked + conflicting, ledger.kept, name)
          assert.deepStrictEqual(classes, [...new Set(classes)].sort(byCodePoint))
          const of = new Map(perClass.map((one) => [one.label, one]))
          for (const [index, label] of classes.entries()) {
            const rows = samples.filter(({ labels }) => labels?.[k]?.includes(index) === true).length
            assert.isAtLeast(rows, 3)
            const one = of.get(label)
            assert.strictEqual((one?.train ?? 0) + (one?.validation ?? 0) + (one?.test ?? 0), rows)
          }
          const valuesOf = (own: ReadonlyArray<string>) => {
            const cell = own[k] ?? ""
            return [...new Set(name === "tags" ? cell.split(";").map((tag) => tag.trim()) : [cell.trim()])].filter(
              (value) => value !== ""
            )
          }
          // Every value that a row has is counted once for it, wherever the row went.
          if (!rare && !limit)
            for (const { label, listed } of perClass)
              assert.strictEqual(
                listed,
                rows.filter(([id, ...own]) => id !== "" && valuesOf(own).includes(label)).length,
                label
              )
          for (const { id, label, labels, leftOut } of samples) {
            const known = labels?.[k]
            assert.deepStrictEqual(
              known,
              known?.toSorted((a, b) => a - b)
            )
            const out = leftOut?.[k]?.values ?? []
            const all = [...(known ?? []).map((index) => elementAt(classes, index)), ...out].sort(byCodePoint)
            if (!rare) assert.deepStrictEqual(all, valuesOf(cells.get(id) ?? []).sort(byCodePoint))
            if (k === 0) assert.strictEqual(label, known?.[0] ?? -1)
          }
        }
        assert.isTrue(samples.every(({ labels }) => labels?.some((known) => known !== undefined)))
      })
  )
})

describe("what occurs together", () => {
  const columns: ReadonlyArray<LabelColumn> = [
    { name: "type", classes: ["Caps", "Saree", "Tops"], values: "one" },
    { name: "tags", classes: ["new"], values: "several" },
    { name: "group", classes: ["Head", "Wear"], values: "one" },
    { name: "gender", classes: ["Men", "Women"], values: "one" }
  ]
  const samples = [
    [[2], [0], [1], [0]],
    [[1], [0], [1], [1]],
    [[1], undefined, [1], [1]],
    [[0], [], [0], undefined],
    [undefined, [0], [1], [0]],
    [[0], [0], [1], [1]],
    [[0], [0], [1], [1]]
  ].map((labels) => ({ labels }))

  it("is every pair of classes of two columns with one value that a sample has", () => {
    assert.deepStrictEqual(seenTogether(columns, samples), [
      {
        columns: [0, 2],
        pairs: [
          [0, 0],
          [0, 1],
          [1, 1],
          [2, 1]
        ]
      },
      {
        columns: [0, 3],
        pairs: [
          [0, 1],
          [1, 1],
          [2, 0]
        ]
      },
      {
        columns: [2, 3],
        pairs: [
          [1, 0],
          [1, 1]
        ]
      }
    ])
    assert.deepStrictEqual(seenTogether(columns.slice(0, 2), samples), [])
  })

  it("says which class stands above each: that of most samples, the first of several, none where none is known", () => {
    const configured = [
      { column: "type", parent: "group" },
      { column: "tags" },
      { column: "group" },
      { column: "gender" }
    ]
    const parents = (some: typeof samples) => parentClasses(configured, columns, some)
    const group = { name: "group", classes: ["Head", "Wear"] }
    assert.deepStrictEqual(parents(samples), [{ ...group, of: [1, 1, 1] }, undefined, undefined, undefined])
    assert.deepStrictEqual(parents(samples.slice(0, 6))[0], { ...group, of: [0, 1, 1] })
    assert.deepStrictEqual(parents(samples.slice(1, 4))[0], { ...group, of: [0, 1, null] })
  })
})
