import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layerWith } from "../../../src/layers/features/OnnxFeatures.ts"
import type { Block } from "../../../src/model/Block.ts"
import { Features } from "../../../src/model/Features.ts"
import { resnet18 } from "../../../src/model/networks/resnet.ts"
import { vgg16 } from "../../../src/model/networks/vgg16.ts"
import type { Frozen } from "../../../src/model/onnx/onnxModel.ts"
import { haveTiles } from "../../../src/model/onnx/winograd.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import { frozenOf } from "../../model/featuresContract.ts"
import { uniform } from "../../model/engineContract/reference.ts"

const relu: Block = { _tag: "Activation", kind: "relu" }

const convolution = (
  name: string,
  filters: number,
  padding: "same" | number,
  { bias = false, kernel = 3, stride = 1 } = {}
): Block => ({ _tag: "Conv2d", name, filters, kernel: [kernel, kernel], stride, padding, bias, init: "torch" })

/** Wide enough to be computed in tiles, from an image's three channels on. */
const wide = convolution("wide", 256, 0, { kernel: 1, bias: true })

const images = ({ input }: Frozen, size: number) => Float32Array.from(uniform("tiles-", "input", size * sizeOf(input)))

const opened = (frozen: Frozen, settings: Parameters<typeof layerWith>[0]) =>
  Effect.provide(
    Effect.flatMap(Features, (features) => features.open(frozen)),
    layerWith(settings)
  )

/** The distance of two results, as a share of the second one's norm. */
const distance = (one: Float32Array, other: Float32Array): number => {
  assert.lengthOf(one, other.length)
  assert.isAbove(other.length, 0)
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(one.map((value, i) => value - other[i]!)) / norm(other)
}

const agrees = Effect.fnUntraced(function* (blocks: ReadonlyArray<Block>, [height, width]: readonly [number, number]) {
  const frozen = frozenOf(blocks, [height, width, 3])
  assert.isTrue(haveTiles(blocks, frozen.input), "the blocks are not computed in tiles")
  const tiles = yield* opened(frozen, { inTiles: true, threads: 2 })
  const plain = yield* opened(frozen, { inTiles: false, threads: 2 })
  assert.strictEqual(tiles.key, `${plain.key}, in tiles`)
  for (const size of [1, 3]) {
    const given = images(frozen, size)
    const far = distance(yield* tiles.run(given, size), yield* plain.run(given, size))
    assert.isBelow(far, 1e-5)
    assert.isAbove(far, 0, "both are computed in the same way")
  }
})

describe("convolutions in tiles", () => {
  for (const [height, width] of [
    [32, 28],
    [29, 23],
    [26, 31],
    [27, 37]
  ] as const)
    it.effect(`agree with plain ones on images of ${height}x${width}, whatever the padding`, () =>
      Effect.gen(function* () {
        for (const padding of [0, 1, 2, "same"] as const)
          yield* agrees([wide, convolution("conv", 272, padding, { bias: padding === 1 })], [height, width])
      })
    )

  it.effect("agree among other blocks: batch norms, a residual, strides, and what ends flat", () => {
    const norm = (name: string): Block => ({ _tag: "BatchNorm", name, eps: 1e-3, momentum: 0.1 })
    return agrees(
      [
        wide,
        norm("wideNorm"),
        relu,
        {
          _tag: "Residual",
          blocks: [
            convolution("inner", 288, 1),
            norm("innerNorm"),
            relu,
            convolution("back", 256, 1, { bias: true }),
            norm("backNorm")
          ]
        },
        relu,
        { _tag: "MaxPool", size: 3, stride: 1, padding: 1 },
        convolution("last", 240, 1, { bias: true }),
        convolution("every", 64, 1, { stride: 2 }),
        { _tag: "Flatten" },
        { _tag: "Dense", name: "dense", units: 7, bias: true, init: "torch" }
      ],
      [27, 30]
    )
  })

  it.effect("give the same bits for any batch, any number of threads, and in threads of their own", () =>
    Effect.gen(function* () {
      const frozen = frozenOf([wide, convolution("one", 272, 1), relu, convolution("two", 256, 0)], [26, 23, 3])
      const given = images(frozen, 5)
      const first = yield* opened(frozen, { inTiles: true, threads: 2 })
      const expected = yield* first.run(given, 5)
      for (const settings of [
        { threads: 1, images: 1 },
        { threads: 1, images: 5 },
        { threads: 3, images: 2 },
        { threads: 4, images: 4 },
        { threads: 2, place: "apart" }
      ] as const) {
        const { key, run } = yield* opened(frozen, { inTiles: true, ...settings })
        assert.strictEqual(key, first.key)
        assert.deepStrictEqual(yield* run(given, 5), expected)
      }
    })
  )

  it.effect("give NaN for an image that has one, and leave the other images of the batch as they are", () =>
    Effect.gen(function* () {
      const frozen = frozenOf([wide, convolution("conv", 272, 1)], [26, 23, 3])
      const { run, shape } = yield* opened(frozen, { inTiles: true, threads: 2 })
      const given = images(frozen, 2)
      const expected = yield* run(given, 2)
      given[26 * 23 * 3 + 5] = NaN
      const found = yield* run(given, 2)
      const length = sizeOf(shape)
      assert.deepStrictEqual(found.subarray(0, length), expected.subarray(0, length))
      assert.isTrue(found.subarray(length).every(Number.isNaN))
    })
  )

  it("are those of wide networks on large enough images alone, so that features kept of others stay valid", () => {
    const tiles = ({ build }: typeof vgg16 | typeof resnet18, size: number) => {
      const { blocks } = build({ height: size, width: size, classes: 5, head: "fc", padding: "symmetric" })
      return haveTiles(blocks, [size, size, 3])
    }
    assert.isTrue(tiles(vgg16, 224))
    assert.isFalse(tiles(vgg16, 32))
    assert.isFalse(tiles(resnet18, 224))
  })
})
