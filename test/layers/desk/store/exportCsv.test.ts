import { assert, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { cellsOf, correctionsCsv } from "../../../../src/layers/desk/store/correctionsCsv.ts"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { correctedCsv } from "../../../../src/layers/sources/correctedCsv.ts"
import { readCorrections } from "../../../../src/layers/sources/corrections.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import type { Arrival } from "../../../../src/run/serve/Desk.ts"
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
