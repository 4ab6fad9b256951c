import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { atomicWrite, fileError } from "../../../src/layers/storage/atomicWrite.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

it.effect("text and bytes are written, also over an older file and over a killed write's leftover", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = join(folder, "a.json")
    for (let i = 0; i < 50; i++) writeFileSync(join(folder, `.a.json.${process.pid}.${i}.tmp`), "a longer leftover")
    yield* atomicWrite(path, "é")
    assert.strictEqual(readFileSync(path, "utf8"), "é")
    yield* atomicWrite(path, Uint8Array.of(1, 2, 3))
    assert.deepStrictEqual([...readFileSync(path)], [1, 2, 3])
  })
)

it.effect("a reader sees the old file or the new one, never a part of either", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "file")
    const contents = ["a", "b", "c"].map((letter) => letter.repeat(300_000))
    yield* atomicWrite(path, contents[0]!)
    const writers = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: 30 }, (_, i) => contents[i % 3]!),
        (content) => atomicWrite(path, content),
        { concurrency: 3, discard: true }
      )
    )
    let reads = 0
    while (writers.pollUnsafe() === undefined) {
      assert.include(contents, readFileSync(path, "utf8"))
      reads++
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    yield* Fiber.join(writers)
    assert.isAbove(reads, 5)
  })
)

it.effect("a write that fails leaves nothing behind", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    mkdirSync(join(folder, "taken"))
    const error = yield* Effect.flip(atomicWrite(join(folder, "taken"), "x"))
    assert.strictEqual(error.reason, "failed")
    assert.deepStrictEqual(readdirSync(folder), ["taken"])
    assert.strictEqual((yield* Effect.flip(atomicWrite(join(folder, "no", "file"), "x"))).reason, "missing")
  })
)

it.effect("a write that was begun is finished, though it is interrupted", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const fiber = yield* Effect.forkChild(atomicWrite(join(folder, "file"), "x".repeat(1_000_000)), {
      startImmediately: true
    })
    yield* Fiber.interrupt(fiber)
    assert.deepStrictEqual(readdirSync(folder), ["file"])
    assert.strictEqual(readFileSync(join(folder, "file"), "utf8").length, 1_000_000)
  })
)

it("the system's errors become reasons that say what to do", () => {
  const reasonOf = (code: string) => fileError("/x", Object.assign(new Error(code), { code })).reason
  assert.deepStrictEqual(["ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "ENOENT", "EIO"].map(reasonOf), [
    "diskFull",
    "diskFull",
    "diskFull",
    "notPermitted",
    "notPermitted",
    "notPermitted",
    "missing",
    "failed"
  ])
  assert.strictEqual(fileError("/x", "odd").message, "/x: odd")
})
