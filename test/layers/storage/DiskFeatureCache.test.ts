import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as DiskFeatureCache from "../../../src/layers/storage/DiskFeatureCache.ts"
import { featureBytes, featureFolder } from "../../../src/layers/storage/featureCache/settings.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { assertHas, bitsOf, featureCacheContract, keyOf, rowsOf, spaceOf } from "../../model/featureCacheContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

featureCacheContract(
  "on disk",
  Layer.unwrap(Effect.map(temporaryFolder, (folder) => DiskFeatureCache.layer({ folder, bytes: 1e6 })))
)

const keys = Array.from({ length: 9 }, (_, i) => keyOf(i + 100))
const space = spaceOf("a", 7)
const rows = rowsOf(keys, space)

/** A process that begins anew with a folder. */
const anew = (folder: string, bytes = 1e6) => DiskFeatureCache.make({ folder, bytes })

/** The only segment of a space. */
const segmentOf = Effect.fnUntraced(function* (folder: string, { digest } = space) {
  const names = yield* Effect.promise(() => readdir(join(folder, digest)))
  assert.strictEqual(names.length, 1)
  return join(folder, digest, names[0]!)
})

/** Two frames, of 4 and 5 rows. */
const written = Effect.fnUntraced(function* (folder: string) {
  const { write } = anew(folder)
  yield* write(space, keys.slice(0, 4), rows.slice(0, 28))
  yield* write(space, keys.slice(4), rows.slice(28))
  return yield* segmentOf(folder)
})

it.live("features are there for the next process", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    yield* written(folder)
    yield* Effect.provideService(assertHas(space, keys, rows), FeatureCache, anew(folder))
  })
)

it.live("a changed byte anywhere makes rows missing, and none wrong", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const small = spaceOf("a", 3)
    const few = keys.slice(0, 3)
    const { write } = anew(folder)
    yield* write(small, few.slice(0, 2), rowsOf(few, small).slice(0, 6))
    yield* write(small, few.slice(2), rowsOf(few, small).slice(6))
    const path = yield* segmentOf(folder)
    const whole = yield* Effect.promise(() => readFile(path))
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1 << (at % 8)
      yield* Effect.promise(() => writeFile(path, bytes))
      const { features, missing } = yield* anew(folder).read(small, few)
      assert.isNotEmpty(missing, `byte ${at}`)
      const expected = rowsOf(few, small)
      for (const row of missing) expected.fill(0, row * 3, row * 3 + 3)
      assert.deepStrictEqual(bitsOf(features), bitsOf(expected), `byte ${at}`)
    }
  })
)

it.live("a byte that changes after it was first read is noticed too, and the row can be written again", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = yield* written(folder)
    const cache = anew(folder)
    yield* cache.read(space, keys)
    const bytes = yield* Effect.promise(() => readFile(path))
    bytes[bytes.length - 1]! ^= 4
    yield* Effect.promise(() => writeFile(path, bytes))
    assert.deepStrictEqual([...(yield* cache.read(space, keys)).missing], [8])
    yield* cache.write(space, keys, rows)
    yield* Effect.provideService(assertHas(space, keys, rows), FeatureCache, cache)
  })
)

it.live("of a torn segment whole frames stay", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = yield* written(folder)
    const { size } = yield* Effect.promise(() => stat(path))
    for (let length = size - 1; length >= 0; length -= 5) {
      yield* Effect.promise(() => truncate(path, length))
      const { missing } = yield* anew(folder).read(space, keys)
      const firstFrame = 16 + 4 * 36 + 4 * 28
      const expected = length >= firstFrame ? [4, 5, 6, 7, 8] : [0, 1, 2, 3, 4, 5, 6, 7, 8]
      assert.deepStrictEqual([...missing], expected, `${length} bytes`)
    }
  })
)

it.live("another space's segment is not read", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const bytes = yield* Effect.flatMap(written(folder), (path) => Effect.promise(() => readFile(path)))
    const other = spaceOf("b", 7)
    yield* Effect.promise(() => mkdir(join(folder, other.digest)))
    yield* Effect.promise(() => writeFile(join(folder, other.digest, "moved.features"), bytes))
    assert.strictEqual((yield* anew(folder).read(other, keys)).missing.length, keys.length)
  })
)

const totalOf = Effect.fnUntraced(function* (folder: string) {
  const names = yield* Effect.promise(() => readdir(folder, { recursive: true }))
  const sizes = names.filter((name) => name.endsWith(".features")).map((name) => stat(join(folder, name)))
  return (yield* Effect.promise(() => Promise.all(sizes))).reduce((sum, { size }) => sum + size, 0)
})

it.live("the cache stays within its bound, and what was not used for the longest time goes", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const bytes = 64_000
    const cache = anew(folder, bytes)
    const many = Array.from({ length: 500 }, (_, i) => keyOf(i))
    const wide = spaceOf("c", 100)
    const all = rowsOf(many, wide)
    const writeAll = (from: number, to: number) =>
      Effect.forEach(
        Array.from({ length: to - from }, (_, i) => from + i),
        (i) => cache.write(wide, [many[i]!], all.slice(i * 100, i * 100 + 100))
      )
    yield* writeAll(0, 100)
    // Hours ago; then the first rows are read.
    const names = yield* Effect.promise(() => readdir(join(folder, wide.digest)))
    const past = names.map((name, i) => utimes(join(folder, wide.digest, name), 1000 + i, 1000 + i))
    yield* Effect.promise(() => Promise.all(past))
    yield* cache.read(wide, many.slice(0, 10))
    yield* writeAll(100, 200)
    assert.isAtMost(yield* totalOf(folder), bytes)
    const { features, missing } = yield* anew(folder, bytes).read(wide, many.slice(0, 200))
    assert.isNotEmpty(missing)
    assert.isBelow(missing.length, 100)
    assert.isTrue(
      missing.every((row) => row >= 10 && row < 100),
      `missing: ${missing.join()}`
    )
    const expected = all.slice(0, 20_000)
    for (const row of missing) expected.fill(0, row * 100, row * 100 + 100)
    assert.deepStrictEqual(bitsOf(features), bitsOf(expected))
  })
)

it.live("what another process removes is missing, and can be written again", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const cache = anew(folder)
    yield* cache.write(space, keys, rows)
    yield* anew(folder, 64).write(spaceOf("d", 7), keys, rows) // a bound that has no place for the others
    assert.strictEqual((yield* cache.read(space, keys)).missing.length, keys.length)
    yield* cache.write(space, keys, rows)
    yield* Effect.provideService(assertHas(space, keys, rows), FeatureCache, cache)
  })
)

it.live("a folder that cannot be written fails with its name", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const file = join(folder, "file")
    yield* Effect.promise(() => writeFile(file, "no folder"))
    const error = yield* Effect.flip(anew(file).write(space, keys, rows))
    assert.strictEqual(error._tag, "FeatureCacheError")
    assert.include(error.message, file)
  })
)

const writer = (folder: string, first: number, count: number) =>
  spawn(process.execPath, [join(import.meta.dirname, "featureWriter.ts"), folder, `${first}`, `${count}`], {
    stdio: ["ignore", "pipe", "inherit"]
  })

it.live("processes that write at the same time lose nothing, and see each other's rows", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const wide = spaceOf("a", 200)
    const reader = anew(folder, 1e9)
    yield* reader.read(wide, [keyOf(0)])
    const processes = [0, 150, 300].map((first) => writer(folder, first, 200)) // they overlap by 50
    const codes = yield* Effect.promise(() => Promise.all(processes.map((process) => once(process, "close"))))
    assert.deepStrictEqual(
      codes.map(([code]) => code),
      [0, 0, 0]
    )
    const all = Array.from({ length: 500 }, (_, i) => keyOf(i))
    const { features, missing } = yield* reader.read(wide, all)
    assert.deepStrictEqual([...missing], [])
    for (let i = 0; i < 500; i += 10)
      assert.deepStrictEqual(
        bitsOf(features.slice(i * 200, (i + 10) * 200)),
        bitsOf(rowsOf(all.slice(i, i + 10), wide))
      )
  })
)

it.live("what a killed process had written stays", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const wide = spaceOf("a", 200)
    const killed = writer(folder, 0, 1_000_000)
    let printed = ""
    yield* Effect.callback<void>((resume) => {
      killed.stdout.on("data", (text: Buffer) => {
        printed += text.toString()
        if (printed.includes("500\n")) {
          killed.kill("SIGKILL")
          resume(Effect.void)
        }
      })
    })
    yield* Effect.promise(() => once(killed, "close"))
    const done = printed.split("\n").slice(0, -1)
    const all = Array.from({ length: 10 * done.length }, (_, i) => keyOf(i))
    const { missing } = yield* anew(folder, 1e9).read(wide, all)
    assert.isAtLeast(all.length, 500)
    assert.deepStrictEqual([...missing], [])
  })
)

it("the cache lies where the environment says", () => {
  assert.strictEqual(featureBytes({ WEFT_FEATURES_MIB: "3" }), 3 * 2 ** 20)
  assert.strictEqual(featureBytes({ WEFT_FEATURES_MIB: "none" }), 10e9)
  assert.strictEqual(featureFolder({ WEFT_CACHE: "/a", XDG_CACHE_HOME: "/b" }), join("/a", "features"))
  assert.strictEqual(featureFolder({ XDG_CACHE_HOME: "/b" }), join("/b", "weft", "features"))
  for (const environment of [{}, { XDG_CACHE_HOME: "relative" }, { WEFT_CACHE: "" }])
    assert.match(featureFolder(environment), /\.cache.weft.features$/)
})
