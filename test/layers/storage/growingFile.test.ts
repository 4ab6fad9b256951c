import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { growingFile } from "../../../src/layers/storage/growingFile.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-growing-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

it.effect("a file that grows is there under its name when it is finished, with its first bytes as they are then", () =>
  Effect.gen(function* () {
    const path = join(yield* folder, "rows.bin")
    writeFileSync(path, "before")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { append, finish } = yield* growingFile(path)
        yield* append("0 rows;")
        yield* append(new TextEncoder().encode("a"))
        yield* append("b")
        assert.strictEqual(readFileSync(path, "utf8"), "before")
        yield* finish(new TextEncoder().encode("2"))
      })
    )
    assert.strictEqual(readFileSync(path, "utf8"), "2 rows;ab")
    assert.deepStrictEqual(readdirSync(join(path, "..")), ["rows.bin"])
  }).pipe(Effect.scoped)
)

it.effect("one that is not finished leaves nothing, and the file as it was", () =>
  Effect.gen(function* () {
    const path = join(yield* folder, "rows.bin")
    writeFileSync(path, "before")
    yield* Effect.scoped(Effect.flatMap(growingFile(path), ({ append }) => append("half of it")))
    assert.strictEqual(readFileSync(path, "utf8"), "before")
    assert.deepStrictEqual(readdirSync(join(path, "..")), ["rows.bin"])
  }).pipe(Effect.scoped)
)

it.effect("a folder that is not there fails before anything is written, with the file's name", () =>
  Effect.gen(function* () {
    const path = join(yield* folder, "none", "rows.bin")
    const error = yield* Effect.flip(Effect.scoped(growingFile(path)))
    assert.deepInclude(error, { _tag: "FileError", path, reason: "missing" })
  }).pipe(Effect.scoped)
)
