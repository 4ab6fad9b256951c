import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { correctedCsv } from "../../../src/layers/sources/correctedCsv.ts"
import { configOf } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** The file after these corrections of the column `kind`, or of others. */
const corrected = Effect.fnUntraced(function* (
  file: string | Uint8Array,
  cells: Readonly<Record<string, string | Readonly<Record<string, string>>>>,
  keys: Parameters<typeof configOf>[0] = {}
) {
  const root = yield* temporaryFolder
  yield* Effect.promise(() => writeFile(join(root, "list.csv"), file))
  const given = new Map(
    Object.entries(cells).map(([row, value]) => [
      row,
      new Map(Object.entries(typeof value === "string" ? { kind: value } : value))
    ])
  )
  const pieces = yield* Stream.runCollect(correctedCsv(root, configOf({ minPerClass: 3, ...keys }), given))
  return Buffer.concat(pieces)
})

const text = (...parameters: Parameters<typeof corrected>) =>
  Effect.map(corrected(...parameters), (bytes) => bytes.toString("utf8"))

/** Files as people and programs write them. */
const files: Readonly<Record<string, string>> = {
  "CRLF with a byte order mark": '\ufeffid,kind,note\r\n1,Shirts,"a, b"\r\n2,"Jeans",""\r\n3,Ties,x\r\n',
  "semicolons, without a last line end": "id;kind;note\n1;Shirts;é\n2;  Jeans ;\n3;Ties;x",
  "sep= and blank lines": "sep=;\n\nid;kind;note\n\n1;Shirts;a\n2;Jeans;b\n\n3;Ties;c\n\n",
  "old Mac line ends": "id,kind,note\r1,Shirts,a\r2,Jeans,b\r3,Ties,c\r",
  "mixed line ends": "id,kind,note\n1,Shirts,a\r\n2,Jeans,b\n3,Ties,c\r\n",
  "cells over several lines": 'id,kind,note\n1,Shirts,"two\nlines, and\r\n""more"""\n2,Jeans,b\n3,Ties,"c\n"\n',
  "rows that cannot be read": 'id,kind,note\n1,Shirts,a\nnot a row\n2,Jeans,14" screen\n,,\n3,Ties,"c\n'
}

for (const [name, file] of Object.entries(files))
  it.effect(`changes the corrected cells alone, byte for byte: ${name}`, () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* text(file, {}), file)
      assert.strictEqual(yield* text(file, { "1": "Shirts", "99": "Heels" }), file)
      assert.strictEqual(yield* text(file, { "2": "Heels" }), file.replace(/(2[,;]"?) *Jeans */, "$1Heels"))
      assert.strictEqual(
        yield* text(file, { "1": 'Höse, "kurz"; lang', "2": "Heels" }),
        file.replace("Shirts", '"Höse, ""kurz""; lang"').replace(/(2[,;]"?) *Jeans */, "$1Heels")
      )
    })
  )

it.effect("fills empty cells, several columns of a row, and the first of rows with the same id", () =>
  Effect.gen(function* () {
    const file = "kind,id,colour\n,1,\n,2,Red\nTies,2,Blue\n"
    assert.strictEqual(
      yield* text(file, { "1": { kind: "Heels", colour: "Navy" }, "2": "Socks" }),
      "kind,id,colour\nHeels,1,Navy\nSocks,2,Red\nTies,2,Blue\n"
    )
  })
)

it.effect("keeps bytes that are no UTF-8 where they are", () =>
  Effect.gen(function* () {
    const file = Buffer.concat([
      Buffer.from("id,kind,note\n1,Shirts,a\n5,Ti"),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(",z\n2,Jeans,b\n")
    ])
    const expected = Buffer.concat([file.subarray(0, file.indexOf("Jeans")), Buffer.from("Heels,b\n")])
    assert.deepStrictEqual(yield* corrected(file, { "2": "Heels", "5": "Heels" }), expected)
  })
)

it.effect("refuses a row whose cells cannot be told apart rather than to damage it", () =>
  Effect.gen(function* () {
    const file = 'id,kind,note\n1,Shirts,a\n2,"Je"ans" , x",b\n'
    const result = yield* Effect.result(text(file, { "2": "Heels" }))
    if (result._tag === "Success") assert.oneOf(result.success, [file, "id,kind,note\n1,Shirts,a\n2,Heels,b\n"])
    else assert.include(result.failure.message, "line 3")
  })
)

it.effect("leaves a cell whose set is the corrected one as it is, and keeps the order of the values that stay", () =>
  Effect.gen(function* () {
    const keys = { columns: { label: [{ column: "kind", separator: ";" }] } } as const
    const file = "id,kind,note\n1, red; cotton ;red,a\n2,,b\n3,new;red;old,c\n"
    const changed = (cells: Readonly<Record<string, string>>) => text(file, cells, keys)
    // In another order, as a list in JSON, and nothing where there is nothing.
    assert.strictEqual(yield* changed({ "1": "cotton;red", "3": '["old","red","new"]', "2": "[]" }), file)
    assert.strictEqual(
      yield* changed({ "1": "[]", "2": "b;a", "3": "cotton;old;new" }),
      "id,kind,note\n1,,a\n2,a;b,b\n3,new;old;cotton,c\n"
    )
  })
)
