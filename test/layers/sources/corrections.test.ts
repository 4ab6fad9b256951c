import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema, Stream } from "effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as SqliteDesk from "../../../src/layers/desk/store/SqliteDesk.ts"
import { uploadPath } from "../../../src/layers/sources/corrections.ts"
import { layer as fileRows } from "../../../src/layers/sources/FileRows.ts"
import { correctionText } from "../../../src/pipeline/corrections.ts"
import type { DataConfig } from "../../../src/pipeline/DataConfig.ts"
import { loadDataset } from "../../../src/pipeline/Dataset.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { LoaderConfig } from "../../../src/pipeline/LoaderConfig.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { correctedValues } from "../../../src/pipeline/Row.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { defaultSettings, Desk } from "../../../src/run/serve/Desk.ts"
import { configOf, summary } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** Lists a catalogue under a folder, and the notes that were reported. */
const listWithNotes = Effect.fnUntraced(function* (root: string, keys: Partial<typeof DataConfig.Encoded>) {
  const notes: Array<string> = []
  const listed = yield* Rows.use((rows) => Stream.runCollect(rows.read(root, configOf(keys)))).pipe(
    Effect.provide(fileRows),
    Effect.provideService(Progress, (event) =>
      Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
    )
  )
  return { listed, notes }
})

const write = (folder: string, name: string, text: string) =>
  Effect.promise(async () => {
    await mkdir(join(folder, name, ".."), { recursive: true })
    await writeFile(join(folder, name), text)
    return join(folder, name)
  })

const listing = "id,kind,note\n1,Shirts,a\n2,,b\n3,Jeans,c\n4,Ties,d\n"
const corrections =
  'row,column,from,to,digest,image\n1,kind,Shirts,"Tops, ""long""",,\n2,kind,,Heels,,\n9,kind,,Socks,,\n4,note,d,x,,\n3,kind,Jeans,Jeans,,\n'

describe("corrections", () => {
  it.effect("replace the list's labels while it is read, and give a row its first one", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      yield* write(root, "list.csv", listing)
      const file = yield* write(root, "corrections.csv", corrections)
      const { listed, notes } = yield* listWithNotes(root, { corrections: file })
      assert.deepStrictEqual(summary(listed), [
        [2, "1", 'Tops, "long"', "images/1.jpg"],
        [3, "2", "Heels", "images/2.jpg"],
        [4, "3", "Jeans", "images/3.jpg"],
        [5, "4", "Ties", "images/4.jpg"]
      ])
      assert.deepStrictEqual(
        listed.map((one) => Result.isSuccess(one) && one.success.was),
        ["Shirts", null, undefined, undefined]
      )
      assert.deepStrictEqual(notes, [
        `${file}: labels corrected: 1, rows that had none: 1, uploads added: 0, corrections of ids that no row has: 1`
      ])
    })
  )

  it.effect("are of JSON lines and class folders as well", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      yield* write(root, "list.jsonl", '{"id":"1","kind":"Shirts"}\n{"id":2,"kind":null}\n')
      const file = yield* write(root, "corrections.csv", corrections)
      const lines = yield* listWithNotes(root, { corrections: file, csv: "styles.csv", jsonl: "list.jsonl" })
      assert.deepStrictEqual(
        lines.listed.map((one) => Result.isSuccess(one) && one.success.label),
        ['Tops, "long"', "Heels"]
      )
      const shop = join(root, "shop")
      yield* write(shop, "Jeans/a.jpg", "x")
      yield* write(shop, "Ties/b.jpg", "x")
      const folders = yield* write(root, "folders.csv", "row,column,to\nJeans/a.jpg,label,Shirts\n")
      const walked = yield* listWithNotes(shop, { corrections: folders, csv: "styles.csv", folders: true, columns: {} })
      assert.deepStrictEqual(
        walked.listed.map((one) => Result.isSuccess(one) && [one.success.id, one.success.label, one.success.was]),
        [
          ["Jeans/a.jpg", "Shirts", "Jeans"],
          ["Ties/b.jpg", "Ties", undefined]
        ]
      )
    })
  )

  it.effect("come from a desk's database, with its uploads, while the desk is open", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      yield* write(root, "list.csv", listing)
      const file = join(root, "desk", "desk.sqlite")
      yield* Effect.promise(() => mkdir(join(root, "desk")))
      const settings = { columns: ["kind"], ...defaultSettings, blindShare: 0 } as const
      yield* Effect.gen(function* () {
        const desk = yield* Desk
        const arrival = { name: "photo.jpg", part: null, suggestions: [] }
        const digest = (n: number) => String(n).repeat(64)
        yield* desk.arrive([
          {
            ...arrival,
            digest: digest(1),
            origin: "catalogue",
            rows: [
              { id: "1", values: [{ column: "kind", value: "Shirts" }] },
              { id: "3", values: [{ column: "kind", value: "Jeans" }] }
            ]
          },
          {
            ...arrival,
            digest: digest(2),
            origin: "catalogue",
            rows: [{ id: "2", values: [{ column: "kind", value: null }] }]
          },
          {
            ...arrival,
            digest: digest(4),
            origin: "catalogue",
            rows: [{ id: "4", values: [{ column: "kind", value: "Ties" }] }]
          },
          { ...arrival, digest: digest(5), origin: "inbox", rows: [] }
        ])
        for (const n of [1, 2, 5]) {
          const task = yield* desk.take("ann", digest(n))
          yield* desk.answer("ann", { ...task, values: [{ column: "kind", value: "Heels" }], seconds: null })
        }
        const { listed } = yield* listWithNotes(root, { corrections: file })
        assert.deepStrictEqual(summary(listed), [
          [2, "1", "Heels", "images/1.jpg"],
          [3, "2", "Heels", "images/2.jpg"],
          [4, "3", "Heels", "images/3.jpg"],
          [5, "4", "Ties", "images/4.jpg"],
          [5, digest(5), "Heels", join(root, "desk/images", uploadPath(digest(5)))]
        ])
      }).pipe(Effect.provide(SqliteDesk.layer(file, settings)))
    })
  )

  it.effect("that cannot be read are refused with what to do, and no file is made", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      yield* write(root, "list.csv", listing)
      const refused = (corrections: string) => Effect.flip(listWithNotes(root, { corrections }))
      const missing = yield* refused(join(root, "desk.sqlite"))
      assert.include(missing.message, "desk.sqlite: there is no such file. Set `data.corrections`")
      const other = yield* refused(yield* write(root, "other.csv", "id,label\n1,Shirts\n"))
      assert.include(other.message, 'no column "row"')
      const empty = yield* refused(yield* write(root, "empty.sqlite", `SQLite format 3\0${"x".repeat(100)}`))
      assert.strictEqual(empty.reason, "unreadable")
      assert.include((yield* refused(join(root, "desk.sqlite"))).message, "there is no such file")
    })
  )
})

const labels = ["Shirts", "Jeans", "Ties"]

it.effect("no correction moves a row to another part; what is new is trained on, and the digest follows", () =>
  Effect.gen(function* () {
    const root = yield* temporaryFolder
    const rows = Array.from({ length: 300 }, (_, n) => ({
      id: `r${n}`,
      label: n % 10 === 9 ? "" : (labels[n % 3] ?? "")
    }))
    yield* write(root, "list.csv", ["id,kind", ...rows.map(({ id, label }) => `${id},${label}`)].join("\n"))
    const image = Schema.decodeSync(ImageConfig)({})
    const loader = Schema.decodeSync(LoaderConfig)({})
    const pixels = { height: 1, width: 2, data: new Uint8Array(6) }
    const files = new Map(rows.map(({ id }) => [`${root}/images/${id}.jpg`, pixels]))
    const load = (keys: Partial<typeof DataConfig.Encoded>) =>
      loadDataset({
        root,
        data: configOf({ minPerClass: 20, maxRefused: 0.5, ...keys }),
        image,
        loader,
        seed: 1
      }).pipe(Effect.provide(Layer.mergeAll(fileRows, Images.layerMemory(files))))
    const before = yield* load({})
    const random = draw("corrections")
    for (const round of [0, 1, 2]) {
      const given = rows.flatMap(({ id, label }) =>
        random.next() < 0.7
          ? []
          : [{ id, label, to: random.below(12) === 0 ? "Waistcoats" : (labels[random.below(3)] ?? "") }]
      )
      const corrections = yield* write(
        root,
        `corrections${round}.csv`,
        ["row,column,to", ...given.map(({ id, to }) => `${id},kind,${to}`)].join("\n")
      )
      const after = yield* load({ corrections })
      const labelOf = new Map(given.map(({ id, to }) => [id, to]))
      const isNew = (id: string) => rows.some((row) => row.id === id && row.label === "")
      for (const part of ["train", "validation", "test"] as const) {
        const ids = after[part].map(({ id }) => id)
        const small = (id: string) => labelOf.get(id) === "Waistcoats"
        assert.deepStrictEqual(
          ids.filter((id) => !isNew(id)),
          before[part].map(({ id }) => id).filter((id) => !small(id)),
          part
        )
        if (part !== "train") assert.isFalse(ids.some(isNew))
        for (const { id, label } of after[part])
          assert.strictEqual(after.classes[label], labelOf.get(id) ?? rows.find((row) => row.id === id)?.label)
      }
      assert.deepStrictEqual(
        after.train.flatMap(({ id }) => (isNew(id) ? [id] : [])),
        given.flatMap(({ id, label, to }) => (label === "" && to !== "Waistcoats" ? [id] : [])).toSorted()
      )
      assert.isAbove(given.filter(({ label }) => label === "").length, 0)
      assert.notStrictEqual(after.digest, before.digest)
      assert.strictEqual((yield* load({ corrections })).digest, after.digest)
    }
  })
)

const kinds = ["red", "cotton", "new"]

for (const order of ["first", "second"] as const)
  it.effect(`no corrected set moves a row to another part, where the column with several values is the ${order}`, () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const random = draw("sets", order === "first" ? 1 : 2)
      const rows = Array.from({ length: 200 }, (_, n) => ({
        id: `r${n}`,
        kind: labels[n % 3] ?? "",
        tags: n % 10 === 9 ? "" : kinds.filter((_, k) => k === n % 3 || random.below(3) === 0).join("; ")
      }))
      yield* write(
        root,
        "list.csv",
        ["id,kind,tags", ...rows.map(({ id, kind, tags }) => `${id},${kind},${tags}`)].join("\n")
      )
      const image = Schema.decodeSync(ImageConfig)({})
      const loader = Schema.decodeSync(LoaderConfig)({})
      const pixels = { height: 1, width: 2, data: new Uint8Array(6) }
      const files = new Map(rows.map(({ id }) => [`${root}/images/${id}.jpg`, pixels]))
      const tags = { column: "tags", separator: ";" }
      const load = (keys: Partial<typeof DataConfig.Encoded>) =>
        loadDataset({
          root,
          data: configOf({
            minPerClass: 10,
            columns: { label: order === "first" ? [tags, "kind"] : ["kind", tags] },
            ...keys
          }),
          image,
          loader,
          seed: 1
        }).pipe(Effect.provide(Layer.mergeAll(fileRows, Images.layerMemory(files))))
      const before = yield* load({})
      const given = new Map(
        rows.flatMap(({ id }) =>
          random.next() < 0.6 ? [] : [[id, kinds.filter(() => random.below(2) === 0).toSorted()] as const]
        )
      )
      // The empty set, and values in another order than the list's, are corrections like others.
      assert.isTrue(Array.from(given.values()).some((values) => values.length === 0))
      const corrections = yield* write(
        root,
        "corrections.csv",
        [
          "row,column,to",
          ...Array.from(given, ([id, values]) => `${id},tags,"${correctionText(values, ";").replaceAll('"', '""')}"`)
        ].join("\n")
      )
      const after = yield* load({ corrections })
      const at = order === "first" ? 0 : 1
      for (const part of ["train", "validation", "test"] as const) {
        const ids = (dataset: typeof before) => dataset[part].map(({ id }) => id)
        assert.deepStrictEqual(ids(after), ids(before), part)
        for (const { id, labels } of after[part]) {
          const own = rows.find((row) => row.id === id)?.tags.split("; ") ?? []
          const listed = own[0] === "" ? undefined : own.toSorted()
          assert.deepStrictEqual(
            labels?.[at]?.map((index) => after.columns[at]?.classes[index]),
            given.get(id) ?? listed,
            id
          )
        }
      }
    })
  )

it("texts of sets are read as what was written", () => {
  for (const separator of [";", " ", "|", "; "])
    for (const values of [[], ["a"], ["a", "b c"], ["a;b", "c"], ['["x"]'], ["[", "]"], [" a"], ["ä", '"', ","]]) {
      const text = correctionText(values, separator)
      assert.deepStrictEqual(
        correctedValues({ separator }, text),
        [...new Set(values.map((value) => value.trim()))].toSorted(),
        `${separator} ${text}`
      )
    }
})
