import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import sharp from "sharp"
import { Canvas } from "../../../../src/layers/images/feed/Canvas.ts"
import { affineOf, mirror, resample } from "../../../../src/pipeline/affine.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import { normaliseInto, scaleOf } from "../../../../src/pipeline/normalise.ts"
import type { Pixels } from "../../../../src/pipeline/Pixels.ts"
import { distance, figure } from "../../../fixtures/pictures.ts"

const scale = scaleOf({ mean: [0.5, 0.4, 0.3], std: [0.5, 0.2, 0.3] })

const noise = (width: number, height: number, key: string): Pixels => {
  const { below } = draw(key)
  return { height, width, data: Uint8Array.from({ length: width * height * 3 }, () => below(256)) }
}

/** As `SharpImages` enlarges. */
const bySharp = ({ data, height, width }: Pixels, to: { readonly height: number; readonly width: number }) =>
  Effect.map(
    Effect.promise(() =>
      sharp(data, { raw: { width, height, channels: 3 } })
        .resize({ ...to, fit: "fill", kernel: "cubic" })
        .toColourspace("srgb")
        .raw({ depth: "uchar" })
        .toBuffer()
    ),
    (found): Pixels => ({ ...to, data: new Uint8Array(found) })
  )

const size = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Sizes = Schema.Struct({
  width: size(1, 60),
  height: size(1, 60),
  moreWidth: size(0, 200),
  moreHeight: size(0, 200),
  key: Schema.String
})

describe("a canvas", () => {
  it.effect.prop(
    "enlarges to the bytes that sharp gives, one axis or both, and mirrors them",
    [Sizes],
    ([{ height, key, moreHeight, moreWidth, width }]) =>
      Effect.gen(function* () {
        const source = noise(width, height, key)
        const to = { height: height + moreHeight, width: width + moreWidth }
        const canvas = new Canvas(to.height, to.width, scale)
        canvas.draw(source, false)
        const expected = yield* bySharp(source, to)
        assert.deepStrictEqual(canvas.pixels(), expected)
        canvas.draw(source, true)
        assert.deepStrictEqual(canvas.pixels(), mirror(expected))
      }),
    { arbitrary: { runs: 100 } }
  )
  const Move = Schema.Struct({
    width: size(1, 90),
    height: size(1, 70),
    flip: Schema.Boolean,
    degrees: Schema.Finite.check(Schema.isBetween({ minimum: -180, maximum: 180 })),
    kept: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 1 })),
    key: Schema.String
  })
  it.effect.prop(
    "turns and crops as `resample` does, and normalises as `normaliseInto` does",
    [Move],
    ([{ degrees, flip, height, kept, key, width }]) =>
      Effect.sync(() => {
        const source = noise(width, height, key)
        const canvas = new Canvas(height, width, scale)
        const crop = {
          left: (width * (1 - kept)) / 3,
          top: (height * (1 - kept)) / 2,
          width: width * kept,
          height: height * kept
        }
        const map = affineOf({ flip, degrees, crop }, width, height)
        const expected = resample(source, map, [250, 240, 10])
        canvas.draw(source, false)
        canvas.turn(map, [250, 240, 10])
        assert.deepStrictEqual(canvas.pixels(), expected)
        const numbers = new Float32Array(width * height * 3 + 5)
        const found = numbers.slice()
        normaliseInto(numbers, 4, expected.data, scale)
        canvas.numbers(found, 4)
        assert.deepStrictEqual(found, numbers)
        // What was drawn is still there.
        canvas.turn(affineOf({ flip: false, degrees: 0, crop: { left: 0, top: 0, width, height } }, width, height), [0])
        assert.deepStrictEqual(canvas.pixels(), source)
      }),
    { arbitrary: { runs: 200 } }
  )
  it("turns the largest images that a configuration allows", () => {
    const source = noise(2048, 24, "wide")
    const canvas = new Canvas(24, 2048, scale)
    const map = affineOf({ flip: true, degrees: 179, crop: { left: 0, top: 0, width: 2048, height: 24 } }, 2048, 24)
    canvas.draw(source, false)
    canvas.turn(map, [9, 8, 7])
    assert.deepStrictEqual(canvas.pixels(), resample(source, map, [9, 8, 7]))
  })
  it("takes images of other sizes one after the other", () => {
    const canvas = new Canvas(23, 31, scale)
    const small = noise(11, 7, "small")
    canvas.draw(small, false)
    const before = canvas.pixels()
    canvas.draw(noise(31, 23, "large"), false)
    canvas.draw(small, false)
    assert.deepStrictEqual(canvas.pixels(), before)
  })
  it("is Pillow's bicubic enlargement but for half a pixel, as sharp's is, and borders", () => {
    const canvas = new Canvas(23, 31, scale)
    canvas.draw(figure("source"), false)
    const inner = ({ data }: Pixels): Pixels => ({
      height: 17,
      width: 25,
      data: data.filter((_, i) => {
        const [x, y] = [Math.floor(i / 3) % 31, Math.floor(i / 93)]
        return x >= 3 && x < 28 && y >= 3 && y < 20
      })
    })
    assert.isBelow(distance(inner(canvas.pixels()), inner(figure("enlarge", 31, 23))).mean, 1.5)
  })
})
