import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { layer, layerWith } from "../../../src/layers/features/OnnxFeatures.ts"
import { openThreads } from "../../../src/layers/features/threads/OnnxThreads.ts"
import { Features } from "../../../src/model/Features.ts"
import { inputName, onnxModel, outputName } from "../../../src/model/onnx/onnxModel.ts"
import { featuresContract, flat, frozenOf, givesPyTorchsLogits } from "../../model/featuresContract.ts"
import { assertNear, uniform } from "../../model/engineContract/reference.ts"

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
}

featuresContract("onnxruntime", layer, (it) => {
  sameBits(it)
  givesPyTorchsLogits(it)
})

featuresContract("onnxruntime in threads of its own", layerWith({ place: "apart", threads: 3 }), (it) => {
  sameBits(it)

  it.effect("gives each of many calls at once its own features, the bits of a session in this thread", () =>
    Effect.gen(function* () {
      const frozen = frozenOf(flat, [34, 29, 3])
      const apart = yield* (yield* Features).open(frozen)
      const here = yield* Effect.provide(
        Effect.flatMap(Features, (features) => features.open(frozen)),
        layerWith({ threads: 1 })
      )
      assert.strictEqual(apart.key, here.key)
      const calls = Array.from({ length: 12 }, (_, i) => ({
        images: Float32Array.from(uniform(`call-${i}-`, "input", (1 + (i % 4)) * 34 * 29 * 3)),
        size: 1 + (i % 4)
      }))
      const expected = yield* Effect.forEach(calls, ({ images, size }) => here.run(images, size))
      const found = yield* Effect.forEach(calls, ({ images, size }) => apart.run(images, size), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(found, expected)
    })
  )

  it.effect("has threads that fail with what onnxruntime says, and answer the next call", () =>
    Effect.gen(function* () {
      const options = { executionProviders: ["cpu"] }
      const noModel = { model: Uint8Array.from([1, 2, 3]), options, input: inputName, output: outputName }
      assert.match((yield* Effect.flip(openThreads(2, noModel))).message, /protobuf|model/i)
      const model = onnxModel(frozenOf(flat.slice(9), [11]))
      const { run } = yield* openThreads(1, { ...noModel, model })
      const wrong = run(new Float32Array(3), [1, 3])
      const right = run(new Float32Array(11), [1, 11])
      const [first, second] = yield* Effect.all([Effect.flip(wrong), right], { concurrency: "unbounded" })
      assert.match(first.message, /dimension/i)
      assert.lengthOf(second, 5)
    })
  )
})
