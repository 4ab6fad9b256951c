import { assert, it } from "@effect/vitest"
import { tmpdir } from "node:os"
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
