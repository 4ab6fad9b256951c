import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { layer } from "../../src/layers/DiskImageFiles.ts"
import { spelledOnDisk } from "../../src/layers/imageFiles/spelledOnDisk.ts"
import type { PathRefused } from "../../src/pipeline/ImageFiles.ts"
import { ImageFiles } from "../../src/pipeline/ImageFiles.ts"
import { Progress } from "../../src/Progress.ts"
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

/** A folder with nothing in it; what is found in it, relative to it, and the notes about it. */
const empty = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const notes: Array<string> = []
  const { find } = yield* ImageFiles
  const named = ({ path, reason }: PathRefused) => `${reason} ${relative(folder, path)}`
  const all = (path: string, said = named) =>
    Stream.runCollect(find(join(folder, path))).pipe(
      Effect.map((found) => found.map(Result.match({ onSuccess: (file) => relative(folder, file), onFailure: said }))),
      Effect.provideService(Progress, (event) =>
        Effect.sync(() => void notes.push(event._tag === "Note" ? event.line : event._tag))
      )
    )
  return { folder, all, notes }
})

describe("image files on disk", () => {
  it.effect("are those in a folder and below, in the order of the names", () =>
    Effect.gen(function* () {
      const { found } = yield* inFolder
      assert.deepStrictEqual(yield* found("."), [
        "[q].jpg",
        "a10.PNG",
        "a9.png",
        "b.jpg",
        "c/x.jpg",
        "deep/more/y.jpg",
        "deep/z.webp"
      ])
      assert.deepStrictEqual(yield* found("deep"), ["deep/more/y.jpg", "deep/z.webp"])
      assert.deepStrictEqual(yield* found("empty"), ["noImages empty"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are those that a pattern matches, unless a file has just that name", () =>
    Effect.gen(function* () {
      const { found } = yield* inFolder
      assert.deepStrictEqual(yield* found("*.jpg"), ["[q].jpg", "b.jpg"])
      assert.deepStrictEqual(yield* found("**/*.jpg"), ["[q].jpg", "b.jpg", "c/x.jpg", "deep/more/y.jpg"])
      assert.deepStrictEqual(yield* found("*/?.jpg"), ["c/x.jpg", "link.jpg/x.jpg"])
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
      assert.deepStrictEqual(yield* found("**/*.jpg"), ["[q].jpg", "b.jpg", "folderUnreadable c", "deep/more/y.jpg"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are all that may be read, by the endings that programs give them, and of others a note tells", () =>
    Effect.gen(function* () {
      const { all, folder, notes } = yield* empty
      const names = ["a.jfif", "b.jpe", "c.JPG", "d.tif", "e.heic", "f.avif", "g.pjpeg", "h.png"]
      for (const name of [...names, "notes.txt", "more.txt", "Thumbs.db", "README", ".hidden"])
        writeFileSync(join(folder, name), "")
      assert.deepStrictEqual(yield* all("."), names)
      assert.deepStrictEqual(notes, [
        `${folder}: left out 5 files whose names do not end as an image's (2 without an ending, 2 .txt, 1 .db)`
      ])
      mkdirSync(join(folder, "texts"))
      writeFileSync(join(folder, "texts", "a.txt"), "")
      const [nothing] = yield* all("texts", (failure) => failure.detail)
      assert.strictEqual(
        nothing,
        "there are no images in this folder; left out: 1 file whose name does not end as an image's (1 .txt)"
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("are those in linked folders too, each once, and no circle goes on for ever", () =>
    Effect.gen(function* () {
      const { all, folder, notes } = yield* empty
      for (const name of ["photos/inner", "elsewhere/deep"]) mkdirSync(join(folder, name), { recursive: true })
      for (const name of ["photos/a.jpg", "photos/inner/b.jpg", "elsewhere/c.jpg", "elsewhere/deep/d.jpg"])
        writeFileSync(join(folder, name), "")
      symlinkSync("../elsewhere", join(folder, "photos/linked"))
      symlinkSync("../elsewhere/deep", join(folder, "photos/more"))
      symlinkSync("..", join(folder, "photos/inner/circle"))
      symlinkSync("../photos", join(folder, "elsewhere/back"))
      symlinkSync("a.jpg", join(folder, "photos/z.jpg"))
      symlinkSync("nowhere.jpg", join(folder, "photos/broken.jpg"))
      symlinkSync("itself.jpg", join(folder, "photos/itself.jpg"))
      const expected = [
        "photos/a.jpg",
        "linkBroken photos/broken.jpg",
        "photos/inner/b.jpg",
        "linkBroken photos/itself.jpg",
        "photos/linked/c.jpg",
        "photos/linked/deep/d.jpg",
        "photos/z.jpg"
      ]
      assert.deepStrictEqual(yield* all("photos"), expected)
      assert.deepStrictEqual(notes, [
        `${folder}/photos: left out 3 linked folders that are read elsewhere or lead in a circle`
      ])
      assert.deepStrictEqual(yield* all("photos/**/*.jpg"), expected)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are found where their names differ by the Unicode form alone, in every part of a path", () =>
    Effect.gen(function* () {
      const { all, folder } = yield* empty
      const [nfc, nfd] = ["Z\u00fcrich/caf\u00e9.jpg", "Zu\u0308rich/cafe\u0301.jpg"]
      const mixed = "Zu\u0308rich/caf\u00e9.jpg"
      mkdirSync(join(folder, "Zu\u0308rich"))
      writeFileSync(join(folder, mixed), "")
      assert.deepStrictEqual(yield* all(nfc), [mixed])
      assert.deepStrictEqual(yield* all(nfd), [mixed])
      assert.deepStrictEqual(yield* all("Z\u00fcrich"), [mixed])
      assert.deepStrictEqual(yield* all("Z\u00fcrich/caf?.jpg"), [mixed])
      assert.deepStrictEqual(yield* all("Z*/cafe\u0301.*"), [mixed])
      assert.strictEqual(yield* Effect.promise(() => spelledOnDisk(join(folder, nfd))), join(folder, mixed))
      assert.isUndefined(yield* Effect.promise(() => spelledOnDisk(join(folder, "caf\u00e9/none.jpg"))))
    }).pipe(Effect.provide(layer))
  )

  it.effect.skipIf(process.platform !== "linux")("are refused by name where that is not UTF-8", () =>
    Effect.gen(function* () {
      const { all, folder } = yield* empty
      const bytes = (name: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")])
      writeFileSync(bytes("caf\u00e9.jpg"), "")
      mkdirSync(bytes("\u00fcber"))
      writeFileSync(join(folder, "a.jpg"), "")
      const expected = ["a.jpg", "nameNotUtf8 caf\\xe9.jpg", "nameNotUtf8 \\xfcber"]
      assert.deepStrictEqual((yield* all(".")).sort(), expected.sort())
      assert.deepStrictEqual(yield* all("caf\ufffd.jpg"), ["nameNotUtf8 caf\ufffd.jpg"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are found in a folder whose name looks like a pattern", () =>
    Effect.gen(function* () {
      const { all, folder } = yield* empty
      mkdirSync(join(folder, "spring [old]"))
      mkdirSync(join(folder, "spring o"))
      for (const name of ["spring [old]/a{1,2}.jpg", "spring [old]/b.jpg", "spring o/c.jpg", "shirt [red]"])
        writeFileSync(join(folder, name), "")
      assert.deepStrictEqual(yield* all("spring [old]/*.jpg"), ["spring [old]/a{1,2}.jpg", "spring [old]/b.jpg"])
      assert.deepStrictEqual(yield* all("spring [old]/a{1,2}.jpg"), ["spring [old]/a{1,2}.jpg"])
      assert.deepStrictEqual(yield* all("spring [nop]/*.jpg"), ["spring o/c.jpg"])
      assert.deepStrictEqual(yield* all("shirt [red]"), ["shirt [red]"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are looked for in no time that a pattern could draw out", () =>
    Effect.gen(function* () {
      const { all, folder } = yield* empty
      writeFileSync(join(folder, `${"a".repeat(250)}.jpg`), "")
      assert.deepStrictEqual(yield* all(`${"*a".repeat(60)}b.jpg`), [`noMatch ${"*a".repeat(60)}b.jpg`])
      assert.deepStrictEqual(yield* all(`**/${"{a,b}".repeat(60)}.jpg`, ({ reason }) => reason), ["patternRefused"])
      assert.deepStrictEqual(yield* all("{1..1000000}.jpg", ({ detail }) => detail), [
        "the braces stand for more than 1000 patterns; use * or ? instead"
      ])
    }).pipe(Effect.provide(layer))
  )
})
