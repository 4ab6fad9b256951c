import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { layer, layerWith } from "../../src/layers/OnnxFeatures.ts"
import { Features } from "../../src/model/Features.ts"
import { featuresContract, flat, frozenOf, givesPyTorchsLogits } from "../model/featuresContract.ts"
import { assertNear, uniform } from "../model/engineContract/reference.ts"

const sameBits = (it: Vitest.MethodsNonLive<Features>) => {
  it.effect("gives the same bits for any batch and any number of threads, so that they can be cached", () =>
    Effect.gen(function* () {
      const frozen = frozenOf(flat, [34, 29, 3])
      const images = Float32Array.from(uniform("bits-", "input", 33 * 34 * 29 * 3))
      const { run } = yield* (yield* Features).open(frozen)
      const together = yield* run(images, 33)
      const alone = yield* Effect.provide(
        Effect.flatMap(Features, (features) => features.open(frozen)),
        layerWith({ threads: 1, spinning: 0, images: 5 })
      )
      assert.deepStrictEqual(yield* alone.run(images, 33), together)
      for (let i = 0; i < 33; i++) {
        const one = yield* run(images.slice(i * 34 * 29 * 3, (i + 1) * 34 * 29 * 3), 1)
        assert.deepStrictEqual(one, together.slice(i * 5, (i + 1) * 5))
      }
    })
  )

  it.effect("takes flat inputs, as the middle of a classifier does", () =>
    Effect.gen(function* () {
      const blocks = flat.slice(9)
      const frozen = frozenOf(blocks, [11])
      const input = Float32Array.from(uniform("flat-", "input", 22))
      const { run, shape } = yield* (yield* Features).open(frozen)
      assert.deepStrictEqual([...shape], [5])
      const weight = (name: string, i: number) => frozen.weights.get(name)!.data[i]!
      const normal = (name: string, i: number, x: number) =>
        ((x - weight(`${name}.running_mean`, i)) / Math.sqrt(weight(`${name}.running_var`, i) + 1e-3)) *
          weight(`${name}.weight`, i) +
        weight(`${name}.bias`, i)
      const expected = [0, 1].flatMap((row) => {
        const x = [...input.subarray(row * 11, row * 11 + 11)].map((value, i) => normal("flatNorm", i, value))
        const hidden = Array.from({ length: 9 }, (_, o) => {
          const sum = x.reduce(
            (total, value, i) => total + value * weight("fc1.weight", o * 11 + i),
            weight("fc1.bias", o)
          )
          return Math.max(0, normal("fcNorm2", o, normal("fcNorm", o, sum)))
        })
        return Array.from({ length: 5 }, (_, o) =>
          hidden.reduce((total, value, i) => total + value * weight("fc2.weight", o * 9 + i), 0)
        )
      })
      assertNear(yield* run(input, 2), expected, "features", 1e-5)
    })
  )
  givesPyTorchsLogits(it)
}

featuresContract("onnxruntime", layer, sameBits)
