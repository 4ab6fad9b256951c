import { assert, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { cellsOf, correctionsCsv } from "../../../../src/layers/desk/store/correctionsCsv.ts"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { correctedCsv } from "../../../../src/layers/sources/correctedCsv.ts"
import { readCorrections } from "../../../../src/layers/sources/corrections.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import { correctedValues } from "../../../../src/pipeline/Row.ts"
import type { Arrival } from "../../../../src/run/serve/Item.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { configOf } from "../../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"
import { digestOf } from "./uploaded.ts"

const labels = ["Shirts", 'Tops, "long"', "Jeans", "<b>Ties</b>", "Höschen"]
/** A cell with quotes where it needs them, or where the one before had them. */
const quoted = (text: string, before = text) =>
  /[",]/.test(text) || /[",]/.test(before) ? `"${text.replaceAll('"', '""')}"` : text

it.effect("export.csv has the corrected cells; after undo of everything it is the catalogue's file byte for byte", () =>
  Effect.gen(function* () {
    const root = yield* temporaryFolder
    const random = draw("export")
    const rows = Array.from({ length: 120 }, (_, n) => ({
      id: String(1000 + n),
      label: n % 4 === 3 ? null : (labels[random.below(5)] ?? "")
    }))
    const lines = (of: (row: (typeof rows)[number]) => string) =>
      ["\ufeffid,kind,note", ...rows.map((row) => `${row.id},${of(row)},"a, ""b"""`)].join("\r\n")
    yield* Effect.promise(() =>
      writeFile(
        join(root, "list.csv"),
        lines(({ label }) => quoted(label ?? ""))
      )
    )
    const original = yield* Effect.promise(() => readFile(join(root, "list.csv")))
    const data = configOf({ minPerClass: 3 })
    const settings = { columns: ["kind"], ...defaultSettings } as const
    yield* Effect.gen(function* () {
      const desk = yield* Desk
      yield* desk.arrive(
        rows.map(({ id, label }, n): Arrival => ({
          digest: digestOf(n),
          name: `${id}.jpg`,
          origin: "catalogue",
          part: "train",
          rows: [{ id, values: [{ column: "kind", value: label }] }],
          suggestions: []
        }))
      )
      const exported = Effect.gen(function* () {
        const cells = yield* cellsOf(desk.corrections({ of: "all" }))
        return Buffer.concat(yield* Stream.runCollect(correctedCsv(root, data, cells)))
      })
      assert.deepStrictEqual(yield* exported, original)
      const given = new Map<string, string>()
      for (const [n, { id }] of rows.entries()) {
        if (random.next() < 0.3) continue
        const task = yield* desk.take("ann", digestOf(n))
        const value = labels[random.below(5)] ?? ""
        yield* desk.answer("ann", { ...task, values: [{ column: "kind", value }], seconds: null })
        given.set(id, value)
      }
      assert.strictEqual(
        (yield* exported).toString("utf8"),
        lines(({ id, label }) => quoted(given.get(id) ?? label ?? "", label ?? ""))
      )
      // The corrections' own file and the database say the same to a reader.
      const file = join(root, "corrections.csv")
      const csv = Buffer.concat(
        yield* Stream.runCollect(correctionsCsv(desk.corrections({ of: "all" }), (digest) => digest))
      )
      yield* Effect.promise(() => writeFile(file, csv))
      const fromCsv = (yield* readCorrections(file)).cells
      assert.deepStrictEqual(fromCsv, yield* cellsOf(desk.corrections({ of: "all" })))
      const fromDesk = (yield* readCorrections(join(root, "desk.sqlite"))).cells
      for (const [id, cells] of fromCsv) assert.deepStrictEqual(fromDesk.get(id), cells)
      for (;;) if (Exit.isFailure(yield* Effect.exit(desk.undo("ann")))) break
      assert.deepStrictEqual(yield* exported, original)
      assert.deepStrictEqual(yield* Effect.promise(() => readFile(join(root, "list.csv"))), original)
    }).pipe(Effect.provide(SqliteDesk.layer(join(root, "desk.sqlite"), settings)))
  })
)

it.effect(
  "export.csv has corrected sets joined by the separator; cells that hold the same set stay byte for byte",
  () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const tags = ["red", "cotton", "new, hot", '"odd"']
      const random = draw("export sets")
      const rows = Array.from({ length: 60 }, (_, n) => ({
        id: String(n),
        has: n % 4 === 3 ? [] : tags.filter((_, k) => k === n % 3 || random.below(3) === 0)
      }))
      // As people write them: with blanks behind the separator, and one value twice.
      const cell = (has: ReadonlyArray<string>) => quoted(has.length === 0 ? "" : [...has, has[0]].join("; "))
      const file = ["id,tags,note", ...rows.map(({ has, id }) => `${id},${cell(has)},x`), ""].join("\r\n")
      yield* Effect.promise(() => writeFile(join(root, "list.csv"), file))
      const data = configOf({ columns: { label: [{ column: "tags", separator: ";" }] } })
      const settings = { columns: ["tags"], separators: { tags: ";" }, ...defaultSettings } as const
      yield* Effect.gen(function* () {
        const desk = yield* Desk
        yield* desk.arrive(
          rows.map(({ has, id }, n): Arrival => ({
            digest: digestOf(n),
            name: `${id}.jpg`,
            origin: "catalogue",
            part: "train",
            rows: [{ id, values: [{ column: "tags", value: has.length === 0 ? null : has }] }],
            suggestions: []
          }))
        )
        const exported = Effect.gen(function* () {
          const cells = yield* cellsOf(desk.corrections({ of: "all" }))
          return Buffer.concat(yield* Stream.runCollect(correctedCsv(root, data, cells))).toString("utf8")
        })
        const given = new Map<string, ReadonlyArray<string>>()
        for (const [n, { id, has }] of rows.entries()) {
          if (n % 3 === 0) continue
          const { digest, version } = yield* desk.take("ann", digestOf(n))
          // Some are answered with the set that the catalogue has, in another order.
          const value = n % 3 === 1 && has.length > 0 ? has.toReversed() : tags.filter(() => random.below(2) === 0)
          yield* desk.answer("ann", { digest, version, values: [{ column: "tags", value }], seconds: null })
          given.set(id, value)
        }
        const expected = rows.map(({ has, id }) => {
          const value = given.get(id)
          if (value === undefined || (value.length === has.length && value.every((tag) => has.includes(tag))))
            return `${id},${cell(has)},x`
          const now = [
            ...has.filter((tag) => value.includes(tag)),
            ...tags.filter((tag) => value.includes(tag) && !has.includes(tag)).toSorted()
          ]
          return `${id},${quoted(now.join(";"), cell(has).startsWith('"') ? "," : "")},x`
        })
        assert.strictEqual(yield* exported, ["id,tags,note", ...expected, ""].join("\r\n"))
        // The corrections' own file and the database say the same to a reader, the empty set as well.
        const csv = Buffer.concat(
          yield* Stream.runCollect(correctionsCsv(desk.corrections({ of: "all" }), (digest) => digest, { tags: ";" }))
        )
        yield* Effect.promise(() => writeFile(join(root, "corrections.csv"), csv))
        const read = (name: string) =>
          Effect.map(
            readCorrections(join(root, name)),
            ({ cells }) =>
              new Map(
                Array.from(
                  cells,
                  ([id, own]) => [id, correctedValues({ separator: ";" }, own.get("tags") ?? "")] as const
                )
              )
          )
        const [fromCsv, fromDesk] = [yield* read("corrections.csv"), yield* read("desk.sqlite")]
        assert.isTrue(Array.from(fromCsv.values()).some((values) => values?.length === 0))
        for (const [id, values] of fromCsv) {
          assert.deepStrictEqual(values, given.get(id)?.toSorted())
          assert.deepStrictEqual(fromDesk.get(id), values)
        }
        for (;;) if (Exit.isFailure(yield* Effect.exit(desk.undo("ann")))) break
        assert.strictEqual(yield* exported, file)
      }).pipe(Effect.provide(SqliteDesk.layer(join(root, "desk.sqlite"), settings)))
    })
)
