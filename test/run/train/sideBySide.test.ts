import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { networkFor } from "../../../src/model/networks.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { bytesOf, sideBySide } from "../../../src/run/train/sideBySide.ts"

describe("learners side by side", () => {
  it("are as many as half of the memory holds, in their order, and one at least", () => {
    const cut = (sizes: ReadonlyArray<number>, memory: number) => sideBySide(sizes, (bytes) => bytes, memory)
    assert.deepStrictEqual(cut([3, 4, 5, 1, 20, 2], 16), [[3, 4], [5, 1], [20], [2]])
    assert.deepStrictEqual(cut([3, 4, 5], 24), [[3, 4, 5]])
    assert.deepStrictEqual(cut([], 24), [])
  })

  it.effect("take what their weights, gradients, slots and average take", () =>
    Effect.gen(function* () {
      const tail = yield* networkFor(
        { name: "simple-cnn", head: "fc", trainable: "all", batchNorm: "train" },
        { height: 224, width: 224, classes: 70 }
      )
      const bytes = (train: object) =>
        Effect.map(decodeRunConfig({ data: { root: "shop" }, train }, "test"), (config) => bytesOf({ config, tail }))
      // The reference experiment counts so many numbers.
      const numbers = 5_036_998
      assert.strictEqual(yield* bytes({ optimizer: { kind: "sgd" } }), 4 * 2 * numbers)
      assert.strictEqual(yield* bytes({ optimizer: { kind: "sgd", momentum: 0.9 } }), 4 * 3 * numbers)
      assert.strictEqual(yield* bytes({ optimizer: { kind: "adam" }, average: {} }), 4 * 5 * numbers)
    })
  )
})
