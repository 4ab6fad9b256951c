import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { sharedWrite } from "../../../src/layers/storage/sharedWrite.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const content = Uint8Array.from({ length: 300 }, (_, i) => i % 251)

it.live("a file of several runs is on the disk once, and stays when the cache and a run are removed", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const [one, two, cache] = ["one", "two", "cache"].map((name) => join(folder, name)) as [string, string, string]
    yield* sharedWrite(one, content, "digest", cache)
    yield* sharedWrite(two, content, "digest", cache)
    // Again over itself, as a run that is finished a second time does.
    yield* sharedWrite(two, content, "digest", cache)
    yield* Effect.promise(async () => {
      assert.strictEqual((await stat(one)).ino, (await stat(two)).ino)
      await rm(cache, { recursive: true })
      await rm(one)
      assert.deepStrictEqual(new Uint8Array(await readFile(two)), content)
    })
  })
)

it.live("a cut-off file of the cache is not taken, and a cache that cannot be written is done without", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const target = join(folder, "file")
    const cache = join(folder, "cache")
    yield* Effect.promise(async () => {
      await mkdir(cache)
      await writeFile(join(cache, "digest"), content.subarray(0, 7))
      await writeFile(join(folder, "occupied"), "a file")
    })
    yield* sharedWrite(target, content, "digest", cache)
    assert.deepStrictEqual(new Uint8Array(yield* Effect.promise(() => readFile(target))), content)
    yield* sharedWrite(target, content.slice(1), "other", join(folder, "occupied"))
    assert.deepStrictEqual(new Uint8Array(yield* Effect.promise(() => readFile(target))), content.slice(1))
  })
)
