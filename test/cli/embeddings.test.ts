import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Command } from "effect/cli"
import { NodeServices } from "@effect/platform-node"
import { parquetReadObjects } from "hyparquet"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { embeddings, openEmbeddings } from "../../src/cli/embeddings.ts"
import { encodeNpy } from "../../src/model/baseline/npy.ts"
import { weft } from "./run.ts"

it("features are written in a format that is known, and another one is refused with these", async () => {
  for (const file of ["photos.csv", "parquet", "photos.npy.gz"]) {
    const { code, stderr } = await weft(["predict", "--embeddings", file, "photo.jpg"], tmpdir())
    assert.strictEqual(code, 2)
    assert.include(stderr, `expected a name that ends in .npy or .parquet, got ${file}`)
  }
})

it("the number of classes or photos that are shown is 1 or more", async () => {
  for (const [command, flag, things] of [
    ["predict", "--top", "classes"],
    ["similar", "--count", "photos"]
  ] as const) {
    const { code, stderr } = await weft([command, flag, "0", "photo.jpg"], tmpdir())
    assert.strictEqual(code, 2)
    assert.include(stderr, `expected 1 or more ${things}, got 0`)
  }
})

const paths = ["a.jpg", "näh/b\n.jpg", "c.jpg"]
const features = Float32Array.of(1, 2, 3, 4, 5, 6)

/** Writes rows in two batches, whose array is used again, as `--embeddings FILE` does. */
const written = (file: string, isFinished: boolean) => {
  const command = Command.make(
    "test",
    { embeddings },
    Effect.fnUntraced(function* ({ embeddings }) {
      const { finish, take, write } = yield* openEmbeddings(Option.getOrThrow(embeddings))
      const shared = features.slice(0, 4)
      yield* take(paths[0] ?? "", shared.subarray(0, 2))
      yield* take(paths[1] ?? "", shared.subarray(2, 4))
      yield* write
      shared.set(features.subarray(4))
      yield* take(paths[2] ?? "", shared.subarray(0, 2))
      yield* write
      if (isFinished) yield* finish
    }, Effect.scoped)
  )
  return Effect.provide(Command.runWith(command, { version: "1" })(["--embeddings", file]), NodeServices.layer)
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-features-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

it.effect("features are written as they come, and the file says at last how many there are", () =>
  Effect.gen(function* () {
    const at = yield* folder
    yield* written(join(at, "photos.npy"), true)
    assert.deepStrictEqual(
      Uint8Array.from(readFileSync(join(at, "photos.npy"))),
      encodeNpy({ rows: 3, columns: 2, data: features })
    )
    assert.strictEqual(readFileSync(join(at, "photos.txt"), "utf8"), 'a.jpg\n"näh/b\\n.jpg"\nc.jpg\n')
    yield* written(join(at, "photos.parquet"), true)
    const file = Uint8Array.from(readFileSync(join(at, "photos.parquet"))).buffer
    const rows = yield* Effect.promise(() => parquetReadObjects({ file }))
    assert.deepStrictEqual(
      rows.map(({ embedding, path }) => [path, ...embedding]),
      paths.map((path, i) => [path, 2 * i + 1, 2 * i + 2])
    )
    assert.deepStrictEqual(readdirSync(at).toSorted(), ["photos.npy", "photos.parquet", "photos.txt"])
  }).pipe(Effect.scoped)
)

it.effect("features of a prediction that did not end leave no file", () =>
  Effect.gen(function* () {
    const at = yield* folder
    yield* written(join(at, "photos.npy"), false)
    yield* written(join(at, "photos.parquet"), false)
    assert.deepStrictEqual(readdirSync(at), [])
  }).pipe(Effect.scoped)
)
