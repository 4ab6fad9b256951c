import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { layerOf } from "../../../src/layers/sources/FileRows.ts"
import { jsonlReading } from "../../../src/layers/sources/jsonl.ts"
import type { DataConfig } from "../../../src/pipeline/DataConfig.ts"
import { configOf, readAll, summary } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** What is listed of a file with this content, read so many bytes at a time. */
const list = (content: string | Uint8Array, keys: Partial<typeof DataConfig.Encoded> = {}, bytes = 7) =>
  Effect.gen(function* () {
    const root = yield* temporaryFolder
    writeFileSync(join(root, "list.jsonl"), content)
    return yield* readAll(root, configOf({ csv: "styles.csv", jsonl: "list.jsonl", ...keys }))
  }).pipe(Effect.provide(layerOf([jsonlReading(bytes)])))

describe("JSON lines", () => {
  it.effect("are objects, read past a byte order mark, CRLF and blank lines; what is no row says why", () =>
    Effect.gen(function* () {
      const lines = [
        '\ufeff{"id": "1", "kind": "Tops"}',
        "",
        '{"id": 12345678901234567890, "kind": true}',
        '{"id": "3"}',
        '{"kind": "Tops", "id": null}',
        '{"id": "5", "kind": "Tops"',
        '["5", "Tops"]',
        '{"id": "7", "kind": {"name": "Tops"}}',
        '{"id": "8", "kind": "Tops", "id": "9"}',
        '{"id": "9", "kind": 1.50, "note": "\\u4e0a\\n衣"}'
      ]
      const listed = yield* list(
        Buffer.concat([Buffer.from(lines.join("\r\n")), Buffer.from('\n{"id": "\xff"}', "latin1")])
      )
      const found = summary(listed)
      assert.deepStrictEqual(found.slice(0, 4), [
        [1, "1", "Tops", "images/1.jpg"],
        [3, "12345678901234567890", "true", "images/12345678901234567890.jpg"],
        [4, "missingLabel", 'the column "kind" is empty'],
        [5, "missingId", 'the column "id" is empty']
      ])
      assert.match(String(found[4]), /^6,malformed,this is not JSON: /)
      assert.deepStrictEqual(found.slice(5, 9), [
        [7, "malformed", "this is a list; expected an object"],
        [8, "malformed", 'the key "kind" has an object; expected text or a number'],
        [9, "malformed", 'the key "id" stands there twice'],
        [10, "9", "1.50", "images/9.jpg"]
      ])
      assert.deepStrictEqual(found[9], [11, "malformed", "bytes that are not UTF-8, shown as \uFFFD"])
      const texts = listed.filter(Result.isFailure).map(({ failure }) => failure.text)
      assert.deepStrictEqual(texts.slice(0, 3), [lines[3], lines[4], lines[5]])
    })
  )

  it.effect(
    "have columns of nested keys, and a file's name for an id where they have none, as imagefolder has it",
    () =>
      Effect.gen(function* () {
        const content = '{"file_name": "a/b.jpg", "x": {"y.z": {"kind": "Tops"}}}\n'
        const listed = yield* list(content, { images: "{file_name}", columns: { label: "x.y.z.kind" } })
        assert.deepStrictEqual(summary(listed), [[1, "a/b.jpg", "Tops", "a/b.jpg"]])
      })
  )

  it.effect("have lists where a label column has several values, as they are; an empty list is one", () =>
    Effect.gen(function* () {
      const lines = [
        '{"id": "1", "kind": "Tops", "more": {"tags": ["b;c", " a", "a", "", 7, true]}}',
        '{"id": "2", "kind": null, "more": {"tags": []}}',
        '{"id": "3", "kind": "Tops", "more": {"tags": "a; b"}}',
        '{"id": "4", "kind": "Tops", "more": {"tags": null}}',
        '{"id": "5", "more": {}}',
        '{"id": "6", "kind": "Tops", "more": {"tags": [["a"]]}}',
        '{"id": "7", "kind": ["Tops"], "more": {"tags": "a"}}',
        '{"id": "8", "kind": "Tops", "more": {"tags": ["a\\nb"]}}',
        '{"id": "9", "kind": "Tops", "more": {"tags": [12345678901234567890]}}',
        '{"id": "10", "kind": "Tops", "more": {"tags": [null, " "]}}'
      ]
      const label = ["kind", { column: "more.tags", separator: ";" }] as const
      const listed = yield* list(lines.join("\n"), { columns: { label } })
      assert.deepStrictEqual(
        listed.map((one) => (Result.isSuccess(one) ? one.success.labels : one.failure.detail)),
        [
          [["Tops"], ["7", "a", "b;c", "true"]],
          [undefined, []],
          [["Tops"], ["a", "b"]],
          [["Tops"], undefined],
          'the columns "kind", "more.tags" are empty',
          'the key "more.tags" has a list; expected text, a number, or a list of them',
          'the key "kind" has a list; expected text or a number, or a `separator` in `data.columns.label`, which says that it has several values',
          'the column "more.tags" has a line break or a control character',
          [["Tops"], ["12345678901234567890"]],
          [["Tops"], undefined]
        ]
      )
    })
  )

  it.effect("lose one line to one that is too long", () =>
    Effect.gen(function* () {
      const long = `{"id": "${"x".repeat(17 * 2 ** 20)}", "kind": "Tops"}`
      const listed = yield* list(`{"id": "1", "kind": "Tops"}\n${long}\n{"id": "3", "kind": "Tops"}\n`, {}, 65_536)
      assert.deepStrictEqual(
        summary(listed).map(([line, what]) => [line, what]),
        [
          [1, "1"],
          [2, "malformed"],
          [3, "3"]
        ]
      )
      assert.isBelow(listed.filter(Result.isFailure)[0]?.failure.text?.length ?? 0, 2000)
    })
  )

  const failures: ReadonlyArray<readonly [content: string, keys: Partial<typeof DataConfig.Encoded>, message: string]> =
    [
      ["", {}, "the file is empty. Expected a JSON object on a line"],
      ["\n\n", {}, "all are blank"],
      [
        '[{"id": 1}]',
        {},
        "this is one JSON document, and not an object on each line. Write each of its objects on a line"
      ],
      ['{\n  "rows": []\n}\n', {}, "this is one JSON document"],
      ["id,kind\n1,Tops\n", {}, "none of the first lines is a JSON object; line 1: this is not JSON"],
      ["PAR1\x15", {}, "this is a Parquet file. Set `data.parquet` to it."],
      [
        '{"id": "1", "kinds": "Tops"}\n',
        {},
        'none of the first lines has the key "kind", which `data.columns.label` names; did you mean "kinds"? Columns found: "id", "kinds". Set `data.columns.label` to one of them.'
      ],
      [
        '{"id": "1", "kind": "Tops"}\n',
        { split: { by: { column: "part" } } },
        'has the key "part", which `data.split.by` names'
      ]
    ]
  for (const [content, keys, message] of failures)
    it.effect(`say of ${JSON.stringify(content.slice(0, 30))} with ${JSON.stringify(keys)} what is wrong`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(list(content, keys))
        assert.include(error.message, message)
        assert.notInclude(error.message, "data.csv")
      })
    )

  it.effect("that are not there are looked for under `data.jsonl`", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(readAll("nowhere", configOf({ csv: "styles.csv", jsonl: "list.jsonl" })))
      assert.include(error.message, "nowhere/list.jsonl: there is no such file. Set `data.root`")
      assert.include(error.message, "`data.jsonl`")
    }).pipe(Effect.provide(layerOf([jsonlReading(100)])))
  )
})
