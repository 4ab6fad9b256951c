import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { layer } from "../../../src/layers/sources/FileRows.ts"
import type { DataConfig } from "../../../src/pipeline/DataConfig.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { configOf, readAll, summary } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** What is listed of a folder with these files; a path that ends with a slash is a folder. */
const list = (paths: ReadonlyArray<string>, keys: Partial<typeof DataConfig.Encoded> = {}, links = {}) =>
  Effect.gen(function* () {
    const root = yield* temporaryFolder
    for (const path of paths) {
      const full = join(root, path)
      mkdirSync(path.endsWith("/") ? full : dirname(full), { recursive: true })
      if (!path.endsWith("/")) writeFileSync(full, "x")
    }
    for (const [path, target] of Object.entries<string>(links)) symlinkSync(target, join(root, path))
    const notes: Array<string> = []
    const watch = (event: ProgressEvent) =>
      Effect.sync(() => void (event._tag === "Note" && notes.push(event.line.replace(`${root}: `, ""))))
    const config = configOf({ csv: "styles.csv", folders: true, columns: {}, ...keys })
    const listed = yield* readAll(root, config).pipe(Effect.provideService(Progress, watch))
    return { listed, notes }
  }).pipe(Effect.provide(layer))

const partsOf = (listed: Effect.Success<ReturnType<typeof list>>["listed"]) =>
  listed.filter(Result.isSuccess).map(({ success: { id, label, part } }) => [id, label, part])

describe("class folders", () => {
  it.effect("list their images, those of folders below too, in the names' order, and count what else is there", () =>
    Effect.gen(function* () {
      const { listed, notes } = yield* list(
        [
          "b/2.JPG",
          "b/10.jpg",
          "b/deep/er/1.png",
          "a b/ü.webp",
          "b/notes.txt",
          "b/._2.jpg",
          "b/.DS_Store",
          "b/Thumbs.db"
        ].concat(["__MACOSX/b/._2.jpg", ".hidden/b/x.jpg", "readme.md", "empty/", "b/.thumbs/x.jpg"])
      )
      assert.deepStrictEqual(summary(listed), [
        [1, "a b/ü.webp", "a b", "a b/ü.webp"],
        [2, "b/10.jpg", "b", "b/10.jpg"],
        [3, "b/2.JPG", "b", "b/2.JPG"],
        [4, "b/deep/er/1.png", "b", "b/deep/er/1.png"]
      ])
      assert.deepStrictEqual(notes[0], 'no images in the class folder "empty"')
      assert.strictEqual(
        notes[1],
        "left out 2 hidden files, and 1 file beside the class folders, and 2 files whose names do not end as an image's (1 .db, 1 .txt)"
      )
      assert.strictEqual(notes.length, 2)
    })
  )

  it.effect("have the parts of the folders above them, unless the rows are divided anew", () =>
    Effect.gen(function* () {
      const paths = ["train/a/1.jpg", "valid/a/1.jpg", "test/b/1.jpg"]
      const given = yield* list(paths)
      assert.deepStrictEqual(partsOf(given.listed), [
        ["test/b/1.jpg", "b", "test"],
        ["train/a/1.jpg", "a", "train"],
        ["valid/a/1.jpg", "a", "validation"]
      ])
      assert.match(given.notes[0] ?? "", /^the folders "test", "train", "valid" divide the images/)
      const anew = yield* list(paths, { split: { by: "row" } })
      assert.deepStrictEqual(
        partsOf(anew.listed).map(([, , part]) => part),
        [undefined, undefined, undefined]
      )
      const capitals = yield* list(["Train/a/1.jpg", "Test/a/1.jpg"])
      assert.deepStrictEqual(
        partsOf(capitals.listed).map(([, , part]) => part),
        ["test", "train"]
      )
      // A class may be called so, beside others.
      const classes = yield* list(["Train/1.jpg", "Car/1.jpg"])
      assert.deepStrictEqual(
        partsOf(classes.listed).map(([, label]) => label),
        ["Car", "Train"]
      )
    })
  )

  it.effect("refuse what no image can be read of: broken links, names with line breaks", () =>
    Effect.gen(function* () {
      const { listed } = yield* list(["a/1.jpg", "a/li\nne.jpg"], {}, { "a/2.jpg": "nowhere.jpg" })
      assert.deepStrictEqual(
        summary(listed).map(([line, what]) => [line, what]),
        [
          [1, "a/1.jpg"],
          [2, "imageMissing"],
          [3, "malformed"]
        ]
      )
    })
  )

  const failures: ReadonlyArray<
    readonly [paths: ReadonlyArray<string>, keys: Partial<typeof DataConfig.Encoded>, message: string]
  > = [
    [["1.jpg", "2.jpg"], {}, "there is no class folder in it, but 2 files. Expected a folder of images for each class"],
    [["train/1.jpg"], {}, "there is no class folder in it"],
    [["a/", "b/x.txt"], {}, "there are no images in its 2 class folders"],
    [
      ["train/a/1.jpg", "b/1.jpg"],
      {},
      'some folders are named as parts ("train") and others are not ("b"). Expected class folders alone'
    ],
    [
      ["a/1.jpg"],
      { columns: { label: "kind" } },
      'class folders have no column "kind", which `data.columns.label` names. Columns found: "id", "label". Set `data.columns.label` to one of them.'
    ],
    [
      ["a/1.jpg"],
      { split: { by: { column: "split" } } },
      'class folders have no column "split", which `data.split.by` names. Columns found: "id", "label". Name one of them there, or leave `data.split.by` out.'
    ]
  ]
  for (const [paths, keys, message] of failures)
    it.effect(`say of ${paths.join(", ")} with ${JSON.stringify(keys)} what is wrong`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(list(paths, keys))
        assert.include(error.message, message)
      })
    )

  it.effect("that are not there, or are a file, are said to be", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      writeFileSync(join(root, "file"), "x")
      const config = configOf({ csv: "styles.csv", folders: true, columns: {} })
      assert.include((yield* Effect.flip(readAll(join(root, "none"), config))).message, "there is no such folder")
      assert.include((yield* Effect.flip(readAll(join(root, "file"), config))).message, "this is a file")
    }).pipe(Effect.provide(layer))
  )
})
