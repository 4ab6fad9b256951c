import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { layer } from "../../src/layers/AmxFeatures.ts"
import { loadAmx } from "../../src/layers/amx/loadAmx.ts"
import { Features } from "../../src/model/Features.ts"
import { featuresContract, flat, frozenOf, givesPyTorchsLogits, inside } from "../model/featuresContract.ts"
import { uniform } from "../model/engineContract/reference.ts"

const addon = await Effect.runPromise(Effect.result(loadAmx))

const more = (it: Vitest.MethodsNonLive<Features>) => {
  for (const [what, blocks, shape] of [
    ["flat", flat, [34, 29, 3]],
    ["image-shaped", inside, [23, 30, 3]]
  ] as const)
    it.effect(`gives the same ${what} bits for any batch and any number of threads`, () =>
      Effect.gen(function* () {
        const frozen = frozenOf(blocks, shape)
        const length = shape[0] * shape[1] * shape[2]
        const images = Float32Array.from(uniform("bits-", "input", 33 * length))
        const opened = yield* (yield* Features).open(frozen)
        const together = yield* opened.run(images, 33)
        assert.isTrue(together.every(Number.isFinite))
        assert.isTrue(together.some((value) => value !== 0))
        const width = together.length / 33
        const before = process.env["WEFT_THREADS"]
        process.env["WEFT_THREADS"] = "3"
        const other = yield* (yield* Features).open(frozen)
        if (before === undefined) delete process.env["WEFT_THREADS"]
        else process.env["WEFT_THREADS"] = before
        assert.deepStrictEqual(yield* other.run(images, 33), together)
        for (let i = 0; i < 33; i++) {
          const one = yield* opened.run(images.slice(i * length, (i + 1) * length), 1)
          assert.deepStrictEqual(one, together.slice(i * width, (i + 1) * width))
        }
      })
    )

  it.effect("keeps numbers that are none apart from the others of a batch", () =>
    Effect.gen(function* () {
      const { run } = yield* (yield* Features).open(frozenOf(flat, [18, 13, 3]))
      const images = Float32Array.from(uniform("bits-", "input", 3 * 18 * 13 * 3))
      const before = yield* run(images, 3)
      images.fill(Number.NaN, 18 * 13 * 3, 2 * 18 * 13 * 3)
      const after = yield* run(images, 3)
      const width = after.length / 3
      assert.deepStrictEqual(after.slice(0, width), before.slice(0, width))
      assert.isTrue(after.slice(width, 2 * width).every(Number.isNaN))
      assert.deepStrictEqual(after.slice(2 * width), before.slice(2 * width))
    })
  )
  givesPyTorchsLogits(it)
}

if (addon._tag === "Success") featuresContract("amx", layer, more)
else {
  const { it } = await import("@effect/vitest")
  it.skip(`features by amx: ${addon.failure.detail}`, () => {})
}
