import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as DiskExports from "../../../src/layers/storage/DiskExports.ts"
import { Exports } from "../../../src/run/export/Exports.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const files = (text: string) => [
  { name: "model.onnx", content: Uint8Array.from(new TextEncoder().encode(text)) },
  { name: "weft.json", content: "{}" }
]
const publish = (target: string, text: string, force = false) =>
  Exports.use((exports) => exports.publish(target, files(text), force, ({ folder }) => Effect.succeed(folder)))
const textIn = (target: string) => Effect.promise(() => readFile(join(target, "model.onnx"), "utf8"))
const list = (folder: string) => Effect.promise(() => readdir(folder))

describe("exports on disk", () => {
  it.effect("appear when they have been checked, and not before", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const target = join(folder, "new", "onnx")
      const read = yield* Exports.use((exports) =>
        exports.publish(target, files("one"), false, (draft) =>
          Effect.gen(function* () {
            assert.notInclude(yield* list(join(folder, "new")), "onnx")
            return new TextDecoder().decode(yield* draft.read("model.onnx"))
          })
        )
      )
      assert.strictEqual(read, "one")
      assert.deepStrictEqual(yield* list(target), ["model.onnx", "weft.json"])
      assert.deepStrictEqual(yield* list(join(folder, "new")), ["onnx"])
    }).pipe(Effect.provide(DiskExports.layer))
  )

  it.effect("leave nothing where the check fails, and the earlier one as it was", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const fail = (target: string, force: boolean) =>
        Effect.flip(
          Exports.use((exports) => exports.publish(target, files("bad"), force, () => Effect.fail("disagrees")))
        )
      assert.strictEqual(yield* fail(join(folder, "new", "onnx"), false), "disagrees")
      assert.deepStrictEqual(yield* list(folder), [])
      yield* publish(join(folder, "onnx"), "good")
      assert.strictEqual(yield* fail(join(folder, "onnx"), true), "disagrees")
      assert.strictEqual(yield* textIn(join(folder, "onnx")), "good")
      assert.deepStrictEqual(yield* list(folder), ["onnx"])
    }).pipe(Effect.provide(DiskExports.layer))
  )

  it.effect("replace an earlier export only with --force, and never a user's own files", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const target = join(folder, "onnx")
      yield* Effect.promise(() => mkdir(target))
      yield* publish(target, "one")
      const refused = yield* Effect.flip(publish(target, "two"))
      assert.match(refused.message, /there is an export in this folder; replace it with --force/)
      yield* publish(target, "two", true)
      assert.strictEqual(yield* textIn(target), "two")
      assert.deepStrictEqual(yield* list(folder), ["onnx"])
      yield* Effect.promise(() => writeFile(join(target, "notes.txt"), "mine"))
      const foreign = yield* Effect.flip(publish(target, "three", true))
      assert.match(foreign.message, /not an export either \(it has model\.onnx, notes\.txt, weft\.json\)/)
      assert.strictEqual(yield* textIn(target), "two")
      const onFile = yield* Effect.flip(publish(join(target, "notes.txt"), "four", true))
      assert.match(onFile.message, /notes\.txt: this is a file; name a folder with --out/)
    }).pipe(Effect.provide(DiskExports.layer))
  )

  it.effect("take away what a killed export left, and say why nothing can be written", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      // A process number that no process has.
      const left = join(folder, ".onnx.999999999.0.tmp")
      yield* Effect.promise(() => mkdir(left))
      yield* Effect.promise(() => writeFile(join(left, "model.onnx"), "half"))
      yield* publish(join(folder, "onnx"), "whole")
      assert.deepStrictEqual(yield* list(folder), ["onnx"])
      const inFile = yield* Effect.flip(publish(join(folder, "onnx", "model.onnx", "deep", "er"), "text"))
      assert.match(inFile.message, /model\.onnx/)
    }).pipe(Effect.provide(DiskExports.layer))
  )
})
