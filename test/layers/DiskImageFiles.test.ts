import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { layer } from "../../src/layers/DiskImageFiles.ts"
import { ImageFiles } from "../../src/pipeline/ImageFiles.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const files = ["b.jpg", "a10.PNG", "a9.png", "notes.txt", "deep/z.webp", "deep/more/y.jpg", "c/x.jpg", "[q].jpg"]

/** A folder with these files; what is found in it, relative to it. */
const inFolder = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  for (const name of ["deep/more", "c", "empty/none"]) mkdirSync(join(folder, name), { recursive: true })
  for (const file of files) writeFileSync(join(folder, file), "")
  symlinkSync(join(folder, "c"), join(folder, "link.jpg"))
  const { find } = yield* ImageFiles
  const found = Effect.fnUntraced(function* (path: string) {
    const all = yield* Stream.runCollect(find(join(folder, path)))
    return all.map((one) =>
      Result.isSuccess(one)
        ? relative(folder, one.success)
        : `${one.failure.reason} ${relative(folder, one.failure.path)}`
    )
  })
  return { folder, found }
})

describe("image files on disk", () => {
  it.effect("are those in a folder and below, in the order of the names; links to folders are not followed", () =>
    Effect.gen(function* () {
      const { found } = yield* inFolder
      assert.deepStrictEqual(yield* found("."), [
        "[q].jpg",
        "a10.PNG",
        "a9.png",
        "b.jpg",
        "c/x.jpg",
        "deep/more/y.jpg",
        "deep/z.webp",
        "link.jpg"
      ])
      assert.deepStrictEqual(yield* found("deep"), ["deep/more/y.jpg", "deep/z.webp"])
      assert.deepStrictEqual(yield* found("empty"), ["noImages empty"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are those that a pattern matches, unless a file has just that name", () =>
    Effect.gen(function* () {
      const { found } = yield* inFolder
      assert.deepStrictEqual(yield* found("*.jpg"), ["[q].jpg", "b.jpg", "link.jpg"])
      assert.deepStrictEqual(yield* found("**/*.jpg"), ["[q].jpg", "b.jpg", "c/x.jpg", "deep/more/y.jpg", "link.jpg"])
      assert.deepStrictEqual(yield* found("*/?.jpg"), ["c/x.jpg"])
      assert.deepStrictEqual(yield* found("{c,deep/more}/*.jpg"), ["c/x.jpg", "deep/more/y.jpg"])
      assert.deepStrictEqual(yield* found("d*p/m*/[x-z].jpg"), ["deep/more/y.jpg"])
      assert.deepStrictEqual(yield* found("[q].jpg"), ["[q].jpg"])
      assert.deepStrictEqual(yield* found("*.gif"), ["noMatch *.gif"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are what a path names, whatever it names, where it is no folder and no pattern", () =>
    Effect.gen(function* () {
      const { found } = yield* inFolder
      assert.deepStrictEqual(yield* found("notes.txt"), ["notes.txt"])
      assert.deepStrictEqual(yield* found("nowhere.jpg"), ["nowhere.jpg"])
    }).pipe(Effect.provide(layer))
  )

  it.effect.skipIf(process.getuid?.() === 0)("go on behind a folder that cannot be read, which is told", () =>
    Effect.gen(function* () {
      const { folder, found } = yield* inFolder
      chmodSync(join(folder, "c"), 0)
      yield* Effect.addFinalizer(() => Effect.sync(() => chmodSync(join(folder, "c"), 0o755)))
      assert.deepStrictEqual(yield* found("**/*.jpg"), [
        "[q].jpg",
        "b.jpg",
        "folderUnreadable c",
        "deep/more/y.jpg",
        "link.jpg"
      ])
    }).pipe(Effect.provide(layer))
  )
})
