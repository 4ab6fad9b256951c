import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { parquetWriteBuffer } from "hyparquet-writer"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as AllImageBytes from "../../../src/layers/images/AllImageBytes.ts"
import { layer as fileRows } from "../../../src/layers/sources/FileRows.ts"
import type { DataConfig } from "../../../src/pipeline/DataConfig.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { configOf, readAll, summary } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import type { ParquetChoices } from "./catalogueForms.ts"
import { packings, parquetBytes } from "./catalogueForms.ts"

const live = Layer.merge(fileRows, AllImageBytes.layer)

/** Rows whose images are bytes that no UTF-8 text has, of different lengths, over several pages and row groups. */
const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${from + i}`,
    label: i % 3 === 0 ? "Bags" : "Tops",
    part: "train",
    name: `n${from + i}.jpg`,
    bytes: Uint8Array.from({ length: 300 + 7 * i }, (_, at) => (at === 0 ? 0xff : (at * (i + 3)) % 251))
  }))

const keys = { csv: "styles.csv", columns: {}, images: "{image}" } as const

const write = (root: string, name: string, bytes: Uint8Array) => {
  mkdirSync(join(root, "data"), { recursive: true })
  writeFileSync(join(root, name), bytes)
}

const list = (root: string, parquet: string, more: Partial<typeof DataConfig.Encoded> = {}) =>
  Effect.gen(function* () {
    const notes: Array<string> = []
    const watch = (event: ProgressEvent) => Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
    const listed = yield* readAll(root, configOf({ ...keys, parquet, ...more })).pipe(
      Effect.provideService(Progress, watch)
    )
    return { listed, notes }
  })

describe("Parquet", () => {
  const codecs = Object.keys(packings) as ReadonlyArray<keyof typeof packings>
  for (const codec of codecs)
    for (const offsetIndex of [true, false])
      it.effect(`packed as ${codec}, ${offsetIndex ? "with" : "without"} an index, gives any image at any time`, () =>
        Effect.gen(function* () {
          const root = yield* temporaryFolder
          const all = rows(40)
          write(root, "list.parquet", parquetBytes(all, { codec, offsetIndex, rowGroupSize: 17, pageSize: 1000 }))
          const bytes = yield* ImageBytes
          for (const images of ["{image}", "{raw}"]) {
            const { listed } = yield* list(root, "list.parquet", { images })
            const found = listed.filter(Result.isSuccess).map(({ success }) => success)
            assert.deepStrictEqual(
              found.map(({ id, label, line }) => [line, id, label]),
              all.map(({ id, label }, i) => [i + 1, id, label])
            )
            for (const i of [39, 0, 17, 16, 33, 5, 34]) {
              const path = `${root}/${found[i]?.image}`
              assert.deepStrictEqual(
                Buffer.from(yield* bytes.read(path, 1e6, [root])),
                Buffer.from(all[i]?.bytes ?? [])
              )
            }
          }
        }).pipe(Effect.provide(live))
      )

  it.effect(
    "of several files is read in their names' order, with the classes' names of Hugging Face, and without an id",
    () =>
      Effect.gen(function* () {
        const root = yield* temporaryFolder
        const names = ["shirt", "bag"]
        const features = { label: { names, _type: "ClassLabel" }, image: { _type: "Image" } }
        const choices: ParquetChoices = {
          kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }]
        }
        const numbered = [0, 1, -1].map((label, i) => ({ ...rows(3)[i]!, label }))
        write(root, "data/train-1.parquet", parquetBytes(numbered, choices))
        write(root, "data/train-0.parquet", parquetBytes(numbered, choices))
        write(root, "data/test-0.parquet", parquetBytes(numbered, choices))
        const { listed, notes } = yield* list(`${root}/./`, "data/train-*.parquet")
        assert.deepStrictEqual(
          summary(listed).map((row) => row.slice(0, 3)),
          [
            [1, "r0", "shirt"],
            [2, "r1", "bag"],
            [3, "missingLabel", 'the column "label" is empty'],
            [4, "r0", "shirt"],
            [5, "r1", "bag"],
            [6, "missingLabel", 'the column "label" is empty']
          ]
        )
        assert.strictEqual(summary(listed)[3]?.[3], "data/train-1.parquet#0/image.bytes")
        assert.match(notes.join(), /the numbers of "label" are classes/)
        const whole = yield* list(root, "data/train-0.parquet", { columns: { id: "image.path" } })
        assert.deepStrictEqual(whole.listed.filter(Result.isSuccess)[1]?.success.id, "n1.jpg")
      }).pipe(Effect.provide(live))
  )

  it.effect("has lists where a label column has several values; null is no list, and an empty one is", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const
      const lists = (names: string, inner: "BYTE_ARRAY" | "INT64", outer: "OPTIONAL" | "REQUIRED") =>
        [
          { name: names, repetition_type: outer, converted_type: "LIST", num_children: 1 },
          { name: "list", repetition_type: "REPEATED", num_children: 1 },
          {
            name: "element",
            type: inner,
            ...(inner === "BYTE_ARRAY" && { converted_type: "UTF8" as const }),
            repetition_type: "OPTIONAL"
          }
        ] as const
      const data = {
        id: ["1", "2", "3", "4", "5"],
        kind: ["Tops", "Tops", null, "Tops", "Tops"],
        tags: [["b;c", " a ", "a"], [], null, ["z"], [null, "q"]],
        numbers: [[1n, 0n], [], [0n], [1n], [7n]]
      }
      const features = { numbers: { _type: "Sequence", feature: { _type: "ClassLabel", names: ["no", "yes"] } } }
      write(
        root,
        "list.parquet",
        new Uint8Array(
          parquetWriteBuffer({
            schema: [
              { name: "root", num_children: 4 },
              { name: "id", ...text },
              { name: "kind", ...text },
              ...lists("tags", "BYTE_ARRAY", "OPTIONAL"),
              ...lists("numbers", "INT64", "REQUIRED")
            ],
            columnData: Object.entries(data).map(([name, data]) => ({ name, data })),
            rowGroupSize: 2,
            kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }]
          })
        )
      )
      const images = "{id}.jpg"
      const label = ["kind", { column: "tags", separator: ";" }, { column: "numbers", separator: ";" }] as const
      const { listed, notes } = yield* list(root, "list.parquet", { images, columns: { label } })
      assert.deepStrictEqual(
        listed.map((one) => (Result.isSuccess(one) ? one.success.labels : one.failure.detail)),
        [
          [["Tops"], ["a", "b;c"], ["no", "yes"]],
          [["Tops"], [], []],
          [undefined, undefined, ["no"]],
          [["Tops"], ["z"], ["yes"]],
          [["Tops"], ["q"], undefined]
        ]
      )
      assert.match(notes.join(), /the numbers of "numbers" are classes/)
      const error = yield* Effect.flip(list(root, "list.parquet", { images, columns: { label: ["kind", "tags"] } }))
      assert.include(
        error.message,
        'the column "tags" is a list or a map. Name a column with one value a row; of a list, give the column a `separator`'
      )
    }).pipe(Effect.provide(live))
  )

  it.effect("refuses an image that is too large, none, outside, or in a file that is gone", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      write(root, "list.parquet", parquetBytes(rows(5)))
      const bytes = yield* ImageBytes
      const reasonOf = (path: string, most = 1e6, within = [root]) =>
        Effect.map(Effect.flip(bytes.read(path, most, within)), ({ reason }) => reason)
      assert.strictEqual(yield* reasonOf(`${root}/list.parquet#1/image.bytes`, 100), "imageTooLarge")
      assert.strictEqual(yield* reasonOf(`${root}/list.parquet#5/image.bytes`), "imageMissing")
      assert.strictEqual(yield* reasonOf(`${root}/list.parquet#1/image.path`), "imageMissing")
      assert.strictEqual(yield* reasonOf(`${root}/list.parquet#1/none`), "imageUnreadable")
      assert.strictEqual(yield* reasonOf(`${root}/gone.parquet#1/image.bytes`), "imageMissing")
      assert.strictEqual(yield* reasonOf(`${root}/list.parquet#1/image.bytes`, 1e6, [`${root}/data`]), "imageOutside")
      // A file that changes is looked at anew.
      write(root, "list.parquet", parquetBytes(rows(5, 90).map((row) => ({ ...row, bytes: row.bytes.slice(0, 50) }))))
      assert.strictEqual((yield* bytes.read(`${root}/list.parquet#1/image.bytes`, 1e6, [root])).length, 50)
    }).pipe(Effect.provide(live))
  )

  const good = parquetBytes(rows(30), { rowGroupSize: 10 })
  const broken = (change: (bytes: Uint8Array) => Uint8Array) => change(good.slice())
  const failures: ReadonlyArray<
    readonly [
      sentence: string,
      bytes: Uint8Array | undefined,
      keys: Partial<typeof DataConfig.Encoded>,
      message: string
    ]
  > = [
    [
      "is not there",
      undefined,
      {},
      "there is no such file. Set `data.root` to your catalogue's folder, and `data.parquet`"
    ],
    ["is another file", Buffer.from("id,label\n1,Tops\n"), {}, "this is not a Parquet file. Set `data.parquet`"],
    ["is empty", new Uint8Array(), {}, "this is not a Parquet file"],
    ["is cut short", broken((bytes) => bytes.subarray(0, bytes.length - 100)), {}, "it is cut short"],
    [
      "is encrypted",
      broken((bytes) => {
        bytes.set(Buffer.from("PARE"), bytes.length - 4)
        return bytes
      }),
      {},
      "it is encrypted"
    ],
    [
      "has damaged metadata",
      broken((bytes) => bytes.fill(0xaa, bytes.length - 400, bytes.length - 8)),
      {},
      "it is damaged"
    ],
    [
      "says that its metadata are longer than it is",
      broken((bytes) => bytes.fill(0xff, bytes.length - 8, bytes.length - 4)),
      {},
      "it is damaged"
    ],
    ["has damaged pages", broken((bytes) => bytes.fill(0xee, 4, 300)), {}, "it is damaged"],
    [
      "lacks a column",
      good,
      { columns: { label: "labels" } },
      'there is no column "labels", which `data.columns.label` names; did you mean "label"? Columns found: "id", "label", "split", "image.bytes", "image.path", "raw", "image".'
    ],
    [
      "has bytes where a label should be",
      good,
      { columns: { label: "raw" } },
      'the column "raw" has bytes, of which no path or name can be made. Set `data.images = "{raw}"` if they are the images.'
    ],
    [
      "has bytes where a path should be",
      good,
      { images: "photos/{image}" },
      'the column "image" has bytes, of which no path or name can be made. Set `data.images = "{image}"`'
    ]
  ]
  for (const [sentence, bytes, more, message] of failures)
    it.effect(`that ${sentence} is refused with what is wrong`, () =>
      Effect.gen(function* () {
        const root = yield* temporaryFolder
        if (bytes !== undefined) write(root, "list.parquet", bytes)
        const error = yield* Effect.flip(list(root, "list.parquet", more))
        assert.include(error.message, message)
        assert.strictEqual(error["~effect/Runtime/errorExitCode"], 3)
      }).pipe(Effect.provide(live))
    )

  it.effect("is refused by its pattern where no file matches it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(list(yield* temporaryFolder, "data/*.parquet"))
      assert.include(error.message, "no file matches this pattern. Set `data.parquet` to a file under `data.root`")
    }).pipe(Effect.provide(live))
  )

  it.effect("that is damaged anywhere costs rows or the run, and never hangs or dies", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      for (let at = 4; at < good.length; at += 97) {
        write(
          root,
          "list.parquet",
          broken((bytes) => bytes.fill((at * 7) % 256, at, at + 3))
        )
        yield* Effect.exit(list(root, "list.parquet")).pipe(
          Effect.tap((exit) =>
            Effect.sync(() => {
              if (exit._tag === "Failure") assert.strictEqual(exit.cause.reasons[0]?._tag, "Fail", `damaged at ${at}`)
            })
          )
        )
      }
    }).pipe(Effect.provide(live))
  )
})
