import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { modelMetadata } from "../../src/model/Model.ts"
import { initialise } from "../../src/model/initialise.ts"
import { vitS16 } from "../../src/model/networks/vit.ts"
import { Grid, gridIn, gridOf, resamplePositions } from "../../src/model/positions.ts"
import { Pretrained } from "../../src/model/Pretrained.ts"
import { pretrainedWeights, startWeights } from "../../src/model/startWeights.ts"
import type { Weights } from "../../src/model/Tensor.ts"
import { sizeOf } from "../../src/model/Tensor.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { assertNear } from "./engineContract/reference.ts"
import * as timm from "./timm.ts"

const Numbers = Schema.Array(Schema.Finite)

const cases = Schema.decodeSync(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ from: Grid, to: Grid, positions: Numbers, resampled: Numbers })))
)(readFileSync(new URL("positions.json", import.meta.url), "utf8"))

const channels = 2

it.effect.each(cases)("position embeddings are resampled as timm does with PyTorch: $from to $to", (one) =>
  Effect.sync(() => {
    const { from, positions, resampled, to } = one
    const tensor = { shape: [1, positions.length / channels, channels], data: Float32Array.from(positions) }
    const found = resamplePositions(tensor, from, to)
    assert.deepStrictEqual(found.shape, [1, 1 + to[0] * to[1], channels])
    assertNear(found.data, resampled, "positions", 1e-5)
    // The class token's.
    assert.deepStrictEqual(found.data.subarray(0, channels), tensor.data.subarray(0, channels))
  })
)

const vit = (height: number, width: number, classes = 3) => vitS16.build({ height, width, classes })

/** Small random numbers under some names. */
const drawn = (names: ReadonlyArray<readonly [string, ReadonlyArray<number>]>): Weights =>
  new Map(
    names.map(([name, shape]) => {
      const random = draw("positions", name)
      return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.between(-1, 1)) }]
    })
  )

const positions = "encoder.pos_embedding"

describe("weights of a ViT at another size", () => {
  const file = drawn(timm.vit_small_patch16_224(7))
  const layer = Pretrained.layerMemory({ timm: { metadata: {}, tensors: file } })

  it.effect("are all the file's, but for the positions and the head", () =>
    Effect.gen(function* () {
      const network = vit(96, 64)
      const begun = yield* startWeights(network, 3, "timm", [], [14, 14])
      const theirs = file.get("pos_embed")
      if (theirs === undefined) return assert.fail("no positions")
      assert.deepStrictEqual(begun.get(positions), resamplePositions(theirs, [14, 14], [6, 4]))
      assert.deepStrictEqual(begun.get("conv_proj.weight")?.data, file.get("patch_embed.proj.weight")?.data)
      assert.deepStrictEqual(begun.get("heads.head.weight"), initialise(network, 3).get("heads.head.weight"))
      assert.strictEqual(begun.size, file.size)
      // As many patches in another grid are other positions.
      const flat = yield* startWeights(vit(112, 448), 3, "timm", [], [14, 14])
      assert.deepStrictEqual(flat.get(positions)?.shape, [1, 197, 384])
      assert.notDeepEqual(flat.get(positions)?.data, theirs.data)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are refused where they are not of the grid that is given", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        pretrainedWeights(vit(96, 64), { head: false, source: "timm", positions: [16, 16] })
      )
      assert.include(error.message, "pos_embed is 1 x 197 x 384 and should be 1 x 257 x 384")
      const without = yield* Effect.flip(startWeights(vit(96, 64), 3, "timm"))
      assert.include(without.message, "pos_embed is 1 x 197 x 384 and should be 1 x 25 x 384")
    }).pipe(Effect.provide(layer))
  )

  it.effect("of a run keep its head, and their grid is the run's", () =>
    Effect.gen(function* () {
      const labels = ["cap", "glove", "scarf"]
      const before = vit(32, 112)
      const weights = initialise(before, 9)
      const image = Schema.decodeUnknownSync(ImageConfig)({ height: 32, width: 112 })
      const metadata = { weft: modelMetadata({ network: before, labels, image, weights }) }
      const run = Pretrained.layerMemory({ "runs/first": { metadata, tensors: weights } })
      const shapes = new Map(Array.from(weights, ([name, { shape }]) => [name, shape]))
      assert.deepStrictEqual(gridIn("vit-s16", { metadata, shapes }, [6, 4]), [2, 7])
      const begun = yield* startWeights(vit(96, 64), 3, "runs/first", [{ name: "kind", classes: labels }], [2, 7]).pipe(
        Effect.provide(run)
      )
      assert.deepStrictEqual(begun.get("heads.head.bias"), weights.get("heads.head.bias"))
      assert.deepStrictEqual(begun.get(positions)?.shape, [1, 25, 384])
    })
  )
})

it("a grid is the run's, else a square, else the images' own", () => {
  const of = (length: number) => ({ metadata: {}, shapes: new Map([["pos_embed", [1, length, 384]]]) })
  assert.deepStrictEqual(gridOf("vit-s16", { height: 96, width: 64 }), [6, 4])
  assert.isUndefined(gridOf("vit-s16", { height: 90, width: 64 }))
  assert.isUndefined(gridOf("resnet18", { height: 96, width: 64 }))
  assert.deepStrictEqual(gridIn("vit-s16", of(197), [7, 28]), [14, 14])
  assert.deepStrictEqual(gridIn("vit-s16", of(25), [6, 4]), [6, 4])
  assert.deepStrictEqual(gridIn("vit-s16", of(25), [5, 4]), { positions: 24 })
  assert.isUndefined(gridIn("vit-s16", { metadata: {}, shapes: new Map([["conv1", [3]]]) }, [5, 4]))
})

it("a size that is no multiple of a patch is refused with the nearest that are", () => {
  const message = (height: number, width: number) => {
    try {
      vit(height, width)
      return ""
    } catch (error) {
      return String(error)
    }
  }
  assert.include(message(100, 64), "gets 100 x 64 x 3, and needs multiples of 16 pixels")
  assert.include(message(100, 64), "a height of 96 or 112 and a width of 64 are the nearest")
  assert.include(message(10, 65), "a height of 16 and a width of 64 or 80")
})
