import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskFeatureCache from "../../../src/layers/storage/DiskFeatureCache.ts"
import { featureBytes, featureFolder } from "../../../src/layers/storage/DiskFeatureCache.ts"
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

it.live("features are there for the next process; what was damaged is missing, and can be written again", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    yield* anew(folder).write(space, keys, rows)
    const cache = anew(folder)
    yield* Effect.provideService(assertHas(space, keys, rows), FeatureCache, cache)
    const path = join(folder, space.digest, readdirSync(join(folder, space.digest))[0] ?? "")
    const bytes = readFileSync(path)
    bytes[bytes.length - 1]! ^= 4 // the pack is not empty
    writeFileSync(path, bytes)
    const { features, missing } = yield* cache.read(space, keys)
    assert.deepStrictEqual([...missing], [8])
    assert.deepStrictEqual(bitsOf(features), [...bitsOf(rows.slice(0, 56)), 0, 0, 0, 0, 0, 0, 0])
    yield* cache.write(space, keys, rows)
    for (const one of [cache, anew(folder)])
      yield* Effect.provideService(assertHas(space, keys, rows), FeatureCache, one)
  })
)

it.live("rows of another length are missing", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    yield* anew(folder).write(space, keys, rows)
    assert.deepStrictEqual([...(yield* anew(folder).read(spaceOf("a", 6), keys.slice(0, 2))).missing], [0, 1])
  })
)

it.live("the files of more spaces than are kept open are found again", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const cache = anew(folder)
    const spaces = Array.from({ length: 20 }, (_, i) => ({ ...space, digest: keyOf(i + 1) }))
    for (const one of spaces) yield* cache.write(one, keys, rowsOf(keys, one))
    const open = readdirSync("/proc/self/fd").length
    for (const one of spaces) yield* Effect.provideService(assertHas(one, keys, rowsOf(keys, one)), FeatureCache, cache)
    assert.isAtMost(readdirSync("/proc/self/fd").length, open)
  }).pipe(Effect.when(Effect.sync(() => process.platform === "linux")))
)

it.live("a folder that cannot be written fails with its name", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const file = join(folder, "file")
    writeFileSync(file, "no folder")
    const error = yield* Effect.flip(anew(file).write(space, keys, rows))
    assert.strictEqual(error._tag, "FeatureCacheError")
    assert.include(error.message, file)
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
