import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { createHash } from "node:crypto"
import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as DiskDeskImages from "../../../../src/layers/desk/store/DiskDeskImages.ts"
import { DeskImages } from "../../../../src/run/serve/DeskImages.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

it.effect("keeps an image's bytes once, by their digest, and mends a file that was cut off", () =>
  Effect.gen(function* () {
    const folder = join(yield* temporaryFolder, "images")
    yield* Effect.gen(function* () {
      const images = yield* DeskImages
      const bytes = new Uint8Array([1, 2, 3, 0, 255])
      const digest = yield* images.put(bytes)
      assert.strictEqual(digest, createHash("sha256").update(bytes).digest("hex"))
      assert.strictEqual(yield* images.put(bytes), digest)
      const files = yield* Effect.promise(() => readdir(folder, { recursive: true }))
      assert.deepStrictEqual(files.toSorted(), [digest.slice(0, 2), join(digest.slice(0, 2), digest)])
      assert.strictEqual(images.path(digest), join(folder, digest.slice(0, 2), digest))
      yield* Effect.promise(() => writeFile(images.path(digest), bytes.subarray(0, 2)))
      yield* images.put(bytes)
      const found = yield* images.get(digest)
      assert.deepStrictEqual([...Option.getOrThrow(found)], [...bytes])
    }).pipe(Effect.provide(DiskDeskImages.layer(folder)))
  })
)

it.effect("has nothing for other digests, and for what is none", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    yield* Effect.promise(() => writeFile(join(folder, "secret"), "x"))
    yield* Effect.gen(function* () {
      const images = yield* DeskImages
      for (const digest of ["0".repeat(64), "../secret", "secret", "", "..", `${"0".repeat(63)}/`])
        assert.isTrue(Option.isNone(yield* images.get(digest)))
    }).pipe(Effect.provide(DiskDeskImages.layer(join(folder, "images"))))
  })
)
