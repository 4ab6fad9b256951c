import { assert, it } from "@effect/vitest"
import type { Layer } from "effect"
import { Effect, Result, Schema, Stream } from "effect"
import { DataConfig } from "../../src/pipeline/DataConfig.ts"
import type { Listed } from "../../src/pipeline/Rows.ts"
import { Rows } from "../../src/pipeline/Rows.ts"

/** Lines of cells; the first is the header. */
export type Table = ReadonlyArray<ReadonlyArray<string>>

/** A catalogue's configuration: column `kind` is the label. */
export const configOf = (keys: Partial<typeof DataConfig.Encoded> = {}): DataConfig =>
  Schema.decodeSync(DataConfig)({ root: "catalogue", csv: "list.csv", columns: { label: "kind" }, ...keys })

/** What a list has: `[line, id, label, image]` of a row, `[line, reason, detail]` of a refusal. */
export const summary = (listed: ReadonlyArray<Listed>): ReadonlyArray<ReadonlyArray<string | number>> =>
  listed.map((one) =>
    Result.isSuccess(one)
      ? [one.success.line, one.success.id, one.success.label, one.success.image]
      : [one.failure.line, one.failure.reason, one.failure.detail]
  )

/** Everything that is listed under a folder. */
export const readAll = (root: string, config: DataConfig) =>
  Rows.use((rows) => Stream.runCollect(rows.read(root, config)))

const header = ["id", "kind", "file"]

/** What every Layer of Rows must do; `given` puts a table where the Layer reads it. */
export const rowsContract = (given: (table: Table | undefined) => Layer.Layer<Rows>, root: () => string) => {
  const list = (table: Table | undefined, keys: Partial<typeof DataConfig.Encoded> = {}) =>
    readAll(root(), configOf(keys)).pipe(Effect.provide(given(table)))

  it.effect("lists rows in their order, with line, id, label and image", () =>
    Effect.gen(function* () {
      const listed = yield* list([header, ["7", "Shirts", "a.png"], [" 8 ", " Tops\u00a0", "b.png"], ["9", "NA", "c"]])
      assert.deepStrictEqual(summary(listed), [
        [2, "7", "Shirts", "images/7.jpg"],
        [3, "8", "Tops", "images/8.jpg"],
        [4, "9", "NA", "images/9.jpg"]
      ])
    })
  )

  it.effect("takes a list of an absolute path, and says where it looked for one", () =>
    Effect.gen(function* () {
      const read = (csv: string) =>
        readAll("elsewhere", configOf({ csv })).pipe(Effect.provide(given([header, ["7", "Shirts", "a.png"]])))
      assert.deepStrictEqual(summary(yield* read(`${root()}/list.csv`)), [[2, "7", "Shirts", "images/7.jpg"]])
      const { file, message } = yield* Effect.flip(read("/nowhere/list.csv"))
      assert.strictEqual(file, "/nowhere/list.csv")
      assert.include(message, "/nowhere/list.csv: there is no such file")
    })
  )

  it.effect("makes an image's path from any columns", () =>
    Effect.gen(function* () {
      const listed = yield* list([header, ["7", "Shirts", " a.png "]], { images: "{kind}/x{file}" })
      assert.deepStrictEqual(summary(listed), [[2, "7", "Shirts", "Shirts/xa.png"]])
    })
  )

  it.effect("refuses what is no row, says why, and reads on", () =>
    Effect.gen(function* () {
      const listed = yield* list([
        header,
        ["1", "Shirts"],
        ["2", "Shirts", "a", "b"],
        ["  ", "Shirts", "c"],
        ["4", "", "d"],
        ["", "", ""],
        ["6", "Sh\tirts", "e"],
        ["7", "Shirts", "f"]
      ])
      assert.deepStrictEqual(summary(listed), [
        [2, "malformed", "2 fields instead of 3"],
        [3, "malformed", "4 fields instead of 3"],
        [4, "missingId", 'the column "id" is empty'],
        [5, "missingLabel", 'the column "kind" is empty'],
        [6, "missingId", 'the column "id" is empty'],
        [7, "malformed", 'the column "kind" has a line break or a control character'],
        [8, "7", "Shirts", "images/7.jpg"]
      ])
      const texts = listed.filter(Result.isFailure).map(({ failure }) => failure.text)
      assert.deepStrictEqual(texts, ["1,Shirts", "2,Shirts,a,b", "  ,Shirts,c", "4,,d", ",,", "6,Sh\tirts,e"])
    })
  )

  it.effect(
    "reads several label columns: values that a separator divides, each once, and nothing where a cell is empty",
    () =>
      Effect.gen(function* () {
        const label = ["kind", { column: "tags", separator: ";" }, { column: "words", separator: " " }] as const
        const listed = yield* list(
          [
            ["id", "kind", "tags", "words"],
            ["1", " Tops ", "b ;a;; a;", "  new  in new "],
            ["2", "", "a b", ""],
            ["3", "Tops", " ; ", ""],
            ["4", " ", "", " "],
            ["5", "Tops", "a;b\tc", "x"],
            ["", "Tops", "a", "x"],
            ["7", "Tops;Caps", "NA", "\u2028"]
          ],
          { columns: { label } }
        )
        assert.deepStrictEqual(
          listed.map((one) =>
            Result.isSuccess(one)
              ? [one.success.id, one.success.label, one.success.labels]
              : [one.failure.reason, one.failure.detail]
          ),
          [
            ["1", "Tops", [["Tops"], ["a", "b"], ["in", "new"]]],
            ["2", "", [undefined, ["a b"], undefined]],
            ["3", "Tops", [["Tops"], undefined, undefined]],
            ["missingLabel", 'the columns "kind", "tags", "words" are empty'],
            ["malformed", 'the column "tags" has a line break or a control character'],
            ["missingId", 'the column "id" is empty'],
            ["7", "Tops;Caps", [["Tops;Caps"], ["NA"], undefined]]
          ]
        )
        const one = yield* list([header, ["1", "", "a"], ["2", "x,y", "a"]], {
          columns: { label: [{ column: "kind", separator: "," }] }
        })
        assert.deepStrictEqual(
          one.map((row) => (Result.isSuccess(row) ? [row.success.label, row.success.labels] : row.failure.detail)),
          ['the column "kind" is empty', ["", [["x", "y"]]]]
        )
      })
  )

  it.effect("says where an image's path is empty, or has no file's name", () =>
    Effect.gen(function* () {
      const table = [header, ["1", "Shirts", ""], ["2", "Shirts", "a.png"], ["", "Shirts", "b.png"]]
      const empty = 'the image\'s path is empty: so is the column "file"'
      for (const images of ["{file}", "images/{file}", "images/{file}.jpg"])
        assert.deepStrictEqual(
          summary(yield* list(table, { images })).map(([line, what, detail]) => [
            line,
            what,
            what === "2" ? "" : detail
          ]),
          [
            [2, "malformed", empty],
            [3, "2", ""],
            [4, "missingId", 'the column "id" is empty']
          ]
        )
      // An empty part of a name that has others is a name.
      assert.deepStrictEqual(summary(yield* list([header, ["1", "Shirts", ""]], { images: "images/{id}{file}.jpg" })), [
        [2, "1", "Shirts", "images/1.jpg"]
      ])
    })
  )

  const failures: ReadonlyArray<
    readonly [
      sentence: string,
      table: Table | undefined,
      keys: Partial<typeof DataConfig.Encoded>,
      reason: string,
      message: string
    ]
  > = [
    [
      "says where it looked for a file that is missing",
      undefined,
      {},
      "fileMissing",
      "list.csv: there is no such file. Set `data.root` to your catalogue's folder, and `data.csv` to the name of the CSV file in it, or to its absolute path."
    ],
    ["says of an empty file what it expected", [], {}, "empty", "list.csv: the file is empty. Expected a header"],
    [
      "says of a header alone what it expected",
      [header],
      {},
      "noRows",
      "list.csv: there is a header and no row below it"
    ],
    [
      "lists the columns where the label's is missing, and names the nearest",
      [header, ["1", "2", "3"]],
      { columns: { label: "Kinds" } },
      "missingColumn",
      'list.csv: the header has no column "Kinds", which `data.columns.label` names; did you mean "kind"? Columns found: "id", "kind", "file". Set `data.columns.label` to one of them.'
    ],
    [
      "lists the columns where one of the image's path is missing",
      [header, ["1", "2", "3"]],
      { images: "{id}/{photograph}.jpg" },
      "missingColumn",
      'list.csv: the header has no column "photograph", which `data.images` names. Columns found: "id", "kind", "file"'
    ],
    [
      "speaks of the delimiter where there is but one column",
      [["id;kind"], ["1;2"]],
      { delimiter: "," },
      "missingColumn",
      'Set `data.delimiter` to ";", which seems to divide the columns.'
    ],
    [
      "says of a list without a header what its first line looks like",
      [
        ["r00", "red"],
        ["r01", "red"],
        ["r02", "blue"]
      ],
      {},
      "missingColumn",
      'list.csv: the header has no column "id", which `data.columns.id` names; the first line looks like data, not like a header: "r00", "red". Insert a line with the columns\' names above it.'
    ],
    [
      "says so of numbers and files' names too, and before it speaks of equal names",
      [
        ["7", "7", "a.JPG"],
        ["8", "9", "b.JPG"]
      ],
      {},
      "missingColumn",
      "the first line looks like data"
    ],
    [
      "names a column of a list of labels that is missing, and where it stands",
      [header, ["1", "2", "3"]],
      { columns: { label: ["kind", { column: "colour", separator: ";" }] } },
      "missingColumn",
      'list.csv: the header has no column "colour", which `data.columns.label` names. Columns found: "id", "kind", "file". Name some of them in the list `data.columns.label`.'
    ],
    [
      "names the column in braces where one of the image's path is missing",
      [header, ["1", "2", "3"]],
      { images: "images/{fil}.png" },
      "missingColumn",
      'did you mean "file"? Columns found: "id", "kind", "file". Name one of the columns in braces there, such as `data.images = "images/{file}.png"`.'
    ],
    [
      "names no blank column as what was meant",
      [
        ["", "kind", "file"],
        ["", "2", "3"],
        ["", "5", "6"]
      ],
      {},
      "missingColumn",
      '`data.columns.id` names. Columns found: "", "kind", "file"'
    ],
    [
      "refuses a header that names a column twice",
      [
        ["id", "kind", "kind ", "", ""],
        ["1", "2", "3", "4", "5"]
      ],
      {},
      "duplicateColumn",
      'list.csv: the header names a column more than once: "kind". Give every column a name of its own.'
    ]
  ]
  for (const [sentence, table, keys, reason, message] of failures)
    it.effect(sentence, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(list(table, keys))
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, message)
        assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
      })
    )
}
