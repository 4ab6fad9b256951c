import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { layer, layerReading } from "../../src/layers/CsvParseRows.ts"
import { Line, made, Piece, quote } from "./csvLine.ts"
import { configOf, readAll, rowsContract, summary } from "../pipeline/rowsContract.ts"

let root = ""
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "weft-rows-"))
})
afterAll(() => rmSync(root, { recursive: true }))

const write = (content: string | Uint8Array) => Effect.sync(() => writeFileSync(join(root, "list.csv"), content))

/** What is listed of a file with this content, read so many bytes at a time. */
const list = (content: string | Uint8Array, bytes = 65_536, keys = {}) =>
  write(content).pipe(
    Effect.andThen(readAll(root, configOf(keys))),
    Effect.provide(bytes === 65_536 ? layer : layerReading(bytes))
  )

describe("Rows with csv-parse", () => {
  rowsContract(
    (table) => {
      rmSync(join(root, "list.csv"), { force: true })
      if (table !== undefined)
        writeFileSync(join(root, "list.csv"), table.map((cells) => `${cells.map(quote).join(",")}\n`).join(""))
      return layer
    },
    () => root
  )

  it.effect("reads past a byte order mark, CRLF, LF, blank lines, and an end without a line break", () =>
    Effect.gen(function* () {
      const listed = yield* list('\ufeff"id",kind\r\n1,Tops\r\n\r\n2,Té\n  \n3,上衣\r\n4,Tops')
      assert.deepStrictEqual(
        summary(listed).map(([line, id, label]) => [line, id, label]),
        [
          [2, "1", "Tops"],
          [4, "2", "Té"],
          [6, "3", "上衣"],
          [7, "4", "Tops"]
        ]
      )
      const last = yield* list("id,kind\n1,Tops\n\n\r\n\n")
      assert.strictEqual(last.length, 1)
      const old = yield* list("id,kind\r1,Tops\r2,Bags\r")
      assert.deepStrictEqual(
        summary(old).map(([line, id]) => [line, id]),
        [
          [2, "1"],
          [3, "2"]
        ]
      )
    })
  )

  it.effect("reads quoted cells with delimiters, quotes and line breaks, and counts lines of the file", () =>
    Effect.gen(function* () {
      const content = [
        '"id","kind","note"',
        '1,"Tops, short","3.5"" heel"',
        '2,Tops,"first',
        "",
        "second, third",
        'last"',
        '"3","Bags",""',
        '4,Bags,a 14" screen',
        '5,Bags,"quoted" in part'
      ].join("\r\n")
      assert.deepStrictEqual(summary(yield* list(content)), [
        [2, "1", "Tops, short", "images/1.jpg"],
        [3, "2", "Tops", "images/2.jpg"],
        [7, "3", "Bags", "images/3.jpg"],
        [8, "4", "Bags", "images/4.jpg"],
        [9, "5", "Bags", "images/5.jpg"]
      ])
    })
  )

  it.effect("loses one line to a quote that is never closed, however long the file", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 5000 }, (_, i) => `${i},Tops,"nice, ""really"""`)
      const listed = yield* list(["id,kind,note", '7,"Tops,x', ...rows, '8,Tops,"y'].join("\n"), 4096)
      assert.strictEqual(listed.length, 5002)
      const refused = listed.filter(Result.isFailure).map(({ failure }) => failure)
      assert.deepStrictEqual(refused, [
        { line: 2, reason: "malformed", text: '7,"Tops,x', detail: "a quote is opened and not closed" },
        { line: 5003, reason: "malformed", text: '8,Tops,"y', detail: "a quote is opened and not closed" }
      ])
    })
  )

  it.effect("does not let two stray quotes swallow the rows between them", () =>
    Effect.gen(function* () {
      const inLabel = yield* list('id,kind,note\n1,"Tops,a\n2,Bags,b\n3,Hats",c\n4,Tops,d\n')
      assert.deepStrictEqual(
        summary(inLabel).map(([line, what]) => [line, what]),
        [
          [2, "malformed"],
          [3, "2"],
          [4, "3"],
          [5, "4"]
        ]
      )
      const beforeQuoted = yield* list('id,kind,note\n1,Tops,"a\n2,Bags,"b"\n')
      assert.deepStrictEqual(
        summary(beforeQuoted).map(([line, what]) => [line, what]),
        [
          [2, "malformed"],
          [3, "2"]
        ]
      )
      const inNote = yield* list('id,kind,note\n1,Tops,"a\n2,Bags,b\n3,Hats,14"\n4,Tops,d\n')
      assert.deepStrictEqual(
        summary(inNote).map(([line, what]) => [line, what]),
        [
          [2, "malformed"],
          [3, "2"],
          [4, "3"],
          [5, "4"]
        ]
      )
    })
  )

  it.effect("refuses bytes that are not UTF-8, and shows where they were", () =>
    Effect.gen(function* () {
      const content = Buffer.concat([
        Buffer.from("id,kind\n1,Caf"),
        Buffer.from([0xe9]),
        Buffer.from("\n2,Caf\u00e9\n3,\ufffd\n")
      ])
      const listed = yield* list(content)
      assert.deepStrictEqual(summary(listed), [
        [2, "malformed", "bytes that are not UTF-8, shown as \ufffd"],
        [3, "2", "Café", "images/2.jpg"],
        [4, "3", "\ufffd", "images/3.jpg"]
      ])
      assert.deepStrictEqual(
        listed.filter(Result.isFailure).map(({ failure }) => failure.text),
        ["1,Caf\ufffd"]
      )
    })
  )

  it.effect("takes another delimiter", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(summary(yield* list('id\tkind\n1\t"a\tb"\n2\tc,d\n', 65_536, { delimiter: "\t" })), [
        [2, "malformed", 'the column "kind" has a line break or a control character'],
        [3, "2", "c,d", "images/2.jpg"]
      ])
    })
  )

  it.effect("says what is wrong with a file that is no CSV in UTF-8", () =>
    Effect.gen(function* () {
      const wide = yield* Effect.flip(list(Buffer.from("\ufeffid,kind\n1,Tops\n", "utf16le")))
      assert.strictEqual(wide.reason, "notUtf8")
      assert.include(wide.message, "line 1, the header, has bytes that are not UTF-8. Save the file as UTF-8")
      const open = yield* Effect.flip(list('id,"kind\n1,Tops\n'))
      assert.strictEqual(open.reason, "unreadable")
      assert.include(open.message, "line 1, the header, opens a quote and does not close it")
      mkdirSync(join(root, "folder.csv"), { recursive: true })
      const folder = yield* Effect.flip(list("", 65_536, { csv: "folder.csv" }))
      assert.strictEqual(folder.reason, "notAFile")
      assert.include(folder.message, "folder.csv: this is a folder. Expected a CSV file")
      const blank = yield* Effect.flip(list("\n \r\n\n"))
      assert.strictEqual(blank.reason, "empty")
    })
  )

  it.effect.prop(
    "keeps or refuses every line of a file with random faults, however it is cut",
    { lines: Schema.Array(Line), size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 })) },
    ({ lines, size }) =>
      Effect.gen(function* () {
        const parts = [...lines, { kind: "plain", ending: "\n", note: [] } as const].map(made)
        const expected: Array<ReadonlyArray<number | string | undefined>> = []
        let line = 2
        for (const { lines, reason } of parts) {
          if (reason !== undefined) expected.push([line, reason])
          line += lines
        }
        const listed = yield* list(
          Buffer.concat([Buffer.from("id,kind,note\n"), ...parts.map(({ bytes }) => bytes)]),
          size
        )
        assert.deepStrictEqual(
          summary(listed).map(([line, what]) => [line, what]),
          expected
        )
      }),
    { arbitrary: { runs: 300 } }
  )

  const Cells = Schema.Array(Schema.Array(Piece))
  it.effect.prop("reads back what was written", { rows: Schema.Array(Cells), break: Schema.Boolean }, (given) =>
    Effect.gen(function* () {
      const table = given.rows.map((cells, index) => [
        `r${index}`,
        "Tops",
        ...[0, 1, 2, 3].map((column) => (cells[column] ?? []).join(given.break ? "\n" : ""))
      ])
      const columns = ["id", "kind", "a", "b", "c", "d"]
      const content = [columns, ...table, ["last", "Tops", "", "", "", ""]].map((cells) => cells.map(quote).join(","))
      const listed = yield* list(content.join("\n"))
      assert.deepStrictEqual(
        summary(listed).map(([, id]) => id),
        [...table.map(([id]) => id ?? ""), "last"]
      )
    })
  )

  const real = "../shared/datasets/fashion-product-images-small"
  describe.skipIf(!existsSync(real))("on the real catalogue", () => {
    it.effect("lists 40,116 rows, 22 of them malformed", () =>
      Effect.gen(function* () {
        const listed = yield* readAll(real, configOf({ csv: "styles.csv", columns: { label: "articleType" } }))
        const refused = listed.filter(Result.isFailure).map(({ failure }) => failure)
        assert.strictEqual(listed.length, 40_116)
        assert.strictEqual(refused.length, 22)
        assert.isTrue(refused.every(({ detail }) => /^1[12] fields instead of 10$/.test(detail)))
        assert.strictEqual(refused[0]?.line, 5466)
        assert.match(refused[0]?.text ?? "", /^44065,Men,.*,Boss Men Perfume, After Shave Balm and Shower Gel Set$/)
      }).pipe(Effect.provide(layer))
    )
  })
})
