import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Features } from "../../../src/model/Features.ts"
import type { BackboneWishes } from "../../../src/model/onnx/backbone.ts"
import { blockOf } from "../../../src/model/onnx/backbone.ts"
import { readOnnx, withDataInside } from "../../../src/model/onnx/OnnxFile.ts"
import { OnnxGraph } from "../../../src/model/onnx/OnnxGraph.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { assertNear } from "../engineContract/reference.ts"
import { clip, dependent, dinov2, keras, outputOf, quantised, siglip, width, withDataBeside } from "./files.ts"

const size = { height: 12, width: 20 }
const count = 5
const random = draw("images of the ONNX files' tests")
/** NHWC, as engines have them. */
const images = Float32Array.from({ length: count * size.height * size.width * 3 }, () => random.between(-2, 2))

const area = size.height * size.width
const channelsFirst = images.map((_, at) => {
  const image = Math.floor(at / (3 * area))
  const [channel, pixel] = [Math.floor((at % (3 * area)) / area), at % area]
  return images[image * 3 * area + pixel * 3 + channel] ?? NaN
})
const nchw = { data: channelsFirst, dims: [count, 3, size.height, size.width] }
const nhwc = { data: images, dims: [count, size.height, size.width, 3] }

const examine = (file: Uint8Array<ArrayBuffer>, wishes: Partial<BackboneWishes> = {}) =>
  Features.use(({ examine }) => examine(file, { ...size, ...wishes }))

/** The features of all images by an examined file, as a run has them. */
const featuresOf = Effect.fnUntraced(function* (file: Uint8Array<ArrayBuffer>, wishes: Partial<BackboneWishes> = {}) {
  const found = yield* examine(file, wishes)
  const { run, shape } = yield* Features.use(({ open }) =>
    open({
      blocks: [blockOf(found.facts)],
      input: [size.height, size.width, 3],
      weights: new Map(),
      backbone: found.bytes
    })
  )
  assert.deepStrictEqual([...shape], [found.facts.features])
  return { found, features: yield* run(images, count) }
}, Effect.scoped)

const refused = (file: Uint8Array<ArrayBuffer>, wishes: Partial<BackboneWishes>, ...words: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(examine(file, wishes)), (error) => {
    assert.strictEqual(error.reason, "misfit")
    for (const word of words) assert.include(error.message, word)
  })

/** The tokens of each image. */
const tokensOf = (data: Float32Array) => {
  const each = data.length / count
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: each / width }, (_, t) => data.subarray(i * each + t * width, i * each + (t + 1) * width))
  )
}

const meanOf = (rows: ReadonlyArray<Float32Array>) =>
  Array.from({ length: width }, (_, c) => rows.reduce((sum, row) => sum + (row[c] ?? NaN), 0) / rows.length)

describe("an ONNX file as a backbone", () => {
  it.effect("of DINOv2's shape gives the first token, or the mean of all, as asked for", () =>
    Effect.gen(function* () {
      const file = dinov2()
      const { data } = yield* Effect.promise(() => outputOf(file, { pixel_values: nchw }, "last_hidden_state"))
      const first = yield* featuresOf(file, { pool: "cls" })
      assert.strictEqual(first.found.layout, "NCHW")
      assertNear(
        first.features,
        tokensOf(data).flatMap(([token]) => [...(token ?? [])]),
        "the first token",
        1e-5
      )
      const mean = yield* featuresOf(file, { pool: "mean" })
      assertNear(mean.features, tokensOf(data).flatMap(meanOf), "the mean", 1e-5)
      assert.notStrictEqual(first.found.facts.sha256, mean.found.facts.sha256)
      const all = yield* featuresOf(file, { pool: "none" })
      assertNear(all.features, data, "all tokens", 1e-5)
      yield* refused(file, {}, "network.pool", "cls", "16 x 8")
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("of SigLIP's shape gives what the file pools, by its usual name", () =>
    Effect.gen(function* () {
      const file = siglip()
      const { data } = yield* Effect.promise(() => outputOf(file, { pixel_values: nchw }, "pooler_output"))
      const { features, found } = yield* featuresOf(file)
      assert.strictEqual(found.output, "pooler_output")
      assertNear(features, data, "pooler_output", 1e-5)
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("of CLIP's shape is cut down to what the images alone are enough for", () =>
    Effect.gen(function* () {
      const file = clip()
      const text = { data: new Float32Array(4), dims: [1, 4] }
      const { data } = yield* Effect.promise(() =>
        outputOf(file, { pixel_values: nchw, input_ids: text }, "image_embeds")
      )
      const { features, found } = yield* featuresOf(file)
      assert.strictEqual(found.output, "image_embeds")
      assertNear(features, data, "image_embeds", 1e-5)
      assert.isBelow(readOnnx(found.bytes).constants.length, readOnnx(file).constants.length)
      yield* refused(file, { output: "logits_per_image" }, "input_ids and pixel_values", "network.output")
      yield* refused(file, { output: "image_embed" }, 'no value "image_embed"', "image_embeds", "pixel_values")
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("takes NHWC files and means of their maps, and any value inside a file", () =>
    Effect.gen(function* () {
      const file = keras()
      const { data } = yield* Effect.promise(() => outputOf(file, { input_1: nhwc }, "map"))
      const { features, found } = yield* featuresOf(file)
      assert.deepStrictEqual([found.layout, found.pool, found.facts.features], ["NHWC", "mean", 5])
      const each = data.length / count
      const means = Array.from({ length: count * 5 }, (_, at) => {
        const [image, channel] = [Math.floor(at / 5), at % 5]
        const values = data.subarray(image * each, (image + 1) * each).filter((_, i) => i % 5 === channel)
        return values.reduce((sum, value) => sum + value, 0) / values.length
      })
      assertNear(features, means, "the mean of the map", 1e-5)
      // The map before it is transposed, by the name of its node's output.
      const inside = yield* featuresOf(file, { output: "map/Relu", pool: "none" })
      assert.deepStrictEqual([...inside.features].sort(), [...data].sort())
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("may compute in float16 or in 8 bits", () =>
    Effect.gen(function* () {
      const half = yield* examine(siglip("float16"))
      assert.strictEqual(half.facts.features, width)
      const { features } = yield* featuresOf(siglip("float16"))
      assert.isTrue(features.every(Number.isFinite) && features.some((value) => value !== 0))
      const file = quantised()
      const { data, dims } = yield* Effect.promise(() => outputOf(file, { pixel_values: nchw }, "features_map"))
      const eight = yield* featuresOf(file)
      const pixels = data.length / count / width
      const means = Array.from({ length: count * width }, (_, at) =>
        data.subarray(at * pixels, (at + 1) * pixels).reduce((sum, value) => sum + value / pixels, 0)
      )
      assert.strictEqual(dims[1], width)
      assert.strictEqual(eight.found.facts.batch, undefined)
      assertNear(eight.features, means, "the mean of the map", 1e-4)
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("takes images one by one, or as many as its batch, where it takes no other number", () =>
    Effect.gen(function* () {
      const alone = yield* featuresOf(dependent())
      assert.strictEqual(alone.found.facts.batch, 1)
      assert.include(alone.found.alone ?? "", "batch")
      const largest = (i: number) => Math.max(...images.subarray(i * area * 3, (i + 1) * area * 3))
      const expected = Array.from({ length: count * 3 }, (_, at) => {
        const [image, channel] = [Math.floor(at / 3), at % 3]
        const plane = channelsFirst.subarray((image * 3 + channel) * area, (image * 3 + channel + 1) * area)
        return plane.reduce((sum, value) => sum + value / area, 0) / largest(image)
      })
      assertNear(alone.features, expected, "each by itself", 1e-5)

      const any = yield* featuresOf(dinov2(), { pool: "cls" })
      const fixed = yield* featuresOf(dinov2([3, 3, size.height, size.width]), { pool: "cls" })
      assert.strictEqual(fixed.found.facts.batch, 3)
      assert.strictEqual(fixed.features.length, any.features.length)
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("may have its data in a file beside it", () =>
    Effect.gen(function* () {
      const whole = dinov2()
      const { bytes, data } = withDataBeside(whole, "model.onnx_data")
      assert.isAbove(data.length, 1000)
      const again = withDataInside(bytes, ({ file, length = 0, offset }) => {
        assert.strictEqual(file, "model.onnx_data")
        return data.subarray(offset, offset + length)
      })
      const one = yield* featuresOf(whole, { pool: "cls" })
      const two = yield* featuresOf(new Uint8Array(again), { pool: "cls" })
      assert.deepStrictEqual(two.features, one.features)
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("is itself such a file, and stays the same one", () =>
    Effect.gen(function* () {
      const one = yield* examine(dinov2(), { pool: "cls" })
      const two = yield* examine(one.bytes)
      assert.strictEqual(two.facts.sha256, one.facts.sha256)
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("is refused with its inputs and outputs where it cannot be one", () =>
    Effect.gen(function* () {
      const open = (dimensions: ReadonlyArray<string | number>) => keras(dimensions)
      yield* refused(open(["N", 16, 16, 3]), {}, "16 x 16", "`image` makes 12 x 20", "image.height")
      yield* refused(open(["N", "a", "b", "c"]), {}, "network.layout", "input_1 (float32 N x a x b x c)", "map")
      yield* refused(open(["N", "a", "b", 4]), { layout: "NHWC" }, "4 channels")
      yield* refused(open(["N", 12, 3]), {}, "3 axes")
      const several = new OnnxGraph()
      const input = several.input("x", ["N", 3, "h", "w"])
      several.output(several.node("Relu", "one", [input]), "one", ["N", 3, "h", "w"])
      several.output(several.node("Abs", "two", [input]), "two", ["N", 3, "h", "w"])
      yield* refused(several.encode("several"), {}, "several outputs", "network.output", "one (float32", "two (float32")
      const broken = new OnnxGraph()
      const x = broken.input("x", ["N", 3, "h", "w"])
      broken.output(broken.node("NoSuchOperator", "one", [x]), "one", ["N", 3])
      yield* refused(broken.encode("broken"), {}, "onnxruntime does not run it", "NoSuchOperator")
      const log = new OnnxGraph()
      const y = log.input("x", ["N", 3, "h", "w"])
      log.output(log.node("Log", "one", [y]), "one", ["N", 3, "h", "w"])
      yield* refused(log.encode("log"), {}, "not all numbers")
      yield* refused(new TextEncoder().encode("<!doctype html>"), {}, "ONNX")
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )

  it.effect("is refused at whatever byte it was cut off or changed, and nothing else happens", () =>
    Effect.gen(function* () {
      const file = dinov2()
      for (let length = 0; length < file.length; length += 97) {
        const cut = file.slice(0, length)
        const result = yield* Effect.result(examine(cut, { pool: "cls" }))
        assert.isTrue(result._tag === "Failure" && result.failure.reason === "misfit")
      }
    }).pipe(Effect.provide(OnnxFeatures.layer))
  )
})
