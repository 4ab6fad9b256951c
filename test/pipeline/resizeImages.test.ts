import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { resizeImages } from "../../src/pipeline/resizeImages.ts"

const Numbers = Schema.Array(Schema.Finite)
const Size = Schema.Tuple([Schema.Int, Schema.Int])

const cases = Schema.decodeSync(
  Schema.fromJsonString(
    Schema.Array(Schema.Struct({ size: Schema.Int, from: Size, to: Size, images: Numbers, resized: Numbers }))
  )
)(readFileSync(new URL("resizeImages.json", import.meta.url), "utf8"))

describe("resizeImages", () => {
  it.effect.each(cases)("gives PyTorch's bicubic pixels: $from to $to", ({ from, images, resized, size, to }) =>
    Effect.sync(() => {
      const found = resizeImages(
        Float32Array.from(images),
        size,
        { height: from[0], width: from[1] },
        { height: to[0], width: to[1] }
      )
      assert.strictEqual(found.length, resized.length)
      for (const [i, value] of resized.entries()) assert.approximately(found[i]!, value, 1e-5)
    })
  )

  it("leaves images of the wanted size as they are", () => {
    const images = Float32Array.from({ length: 36 }, (_, i) => i)
    const size = { height: 3, width: 2 }
    assert.strictEqual(resizeImages(images, 2, size, size), images)
  })
})
