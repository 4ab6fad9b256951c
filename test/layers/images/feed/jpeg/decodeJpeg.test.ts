import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { decodeJpeg } from "../../../../../src/layers/images/feed/jpeg/decodeJpeg.ts"
import { draw } from "../../../../../src/pipeline/draw.ts"
import { file, fileNames } from "./files.ts"

const most = { height: 300, width: 300 }
const decode = (bytes: Uint8Array) => decodeJpeg(bytes, most, 1e6)?.pixels

const catalogue = "../shared/datasets/fashion-product-images-small/images"

/** What sharp makes of it, or undefined where it refuses. */
const bySharp = (bytes: Uint8Array) =>
  Effect.promise(() =>
    sharp(bytes, { failOn: "error", autoOrient: true })
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true })
      .then(
        ({ data, info }) => ({ height: info.height, width: info.width, data: new Uint8Array(data) }),
        () => undefined
      )
  )

/** A picture with smooth parts, edges and noise. */
const picture = (width: number, height: number, key: string) => {
  const { below } = draw(key)
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width
    const y = Math.floor(i / 3 / width)
    return (x > width / 3 ? x * 5 + (i % 3) * 80 : y * 9) + (y > height / 2 ? below(90) : 0)
  })
  return sharp(data, { raw: { width, height, channels: 3 } })
}

const Picture = Schema.Struct({
  width: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 70 })),
  height: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
  quality: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  halved: Schema.Boolean,
  grey: Schema.Boolean,
  key: Schema.String
})

describe("a plain JPEG", () => {
  it.effect.prop(
    "has the bytes that sharp gives, whatever its size, quality and halving of colours",
    [Picture],
    ([{ grey, halved, height, key, quality, width }]) =>
      Effect.gen(function* () {
        const image = grey ? picture(width, height, key).toColourspace("b-w") : picture(width, height, key)
        const chromaSubsampling = halved ? "4:2:0" : "4:4:4"
        const bytes = yield* Effect.promise(() => image.jpeg({ quality, chromaSubsampling }).toBuffer())
        const found = decodeJpeg(bytes, most, 1e6)
        assert.deepStrictEqual(found?.pixels, yield* bySharp(bytes))
        assert.deepStrictEqual(found?.facts, { height, width, channels: grey ? 1 : 3 })
      }),
    { arbitrary: { runs: 150 } }
  )
  it.effect("may have colours halved across only, restart markers, and tables of its own", () =>
    Effect.gen(function* () {
      for (const name of fileNames) {
        const pixels = decode(file(name))
        assert.strictEqual(pixels?.width, 37, name)
        assert.deepStrictEqual(pixels, yield* bySharp(file(name)), name)
      }
    })
  )
  it.effect.skipIf(!existsSync(catalogue))("is what a shop's catalogue is made of", () =>
    Effect.gen(function* () {
      for (const name of readdirSync(catalogue).filter((_, i) => i % 400 === 7)) {
        const bytes = readFileSync(join(catalogue, name))
        assert.deepStrictEqual(decode(bytes), yield* bySharp(bytes), name)
      }
    })
  )
})

describe("anything else is left to sharp", () => {
  it.effect("another kind of JPEG, a turned one, one with a profile, a large one", () =>
    Effect.gen(function* () {
      const image = () => picture(40, 30, "a")
      const cases = {
        progressive: image().jpeg({ progressive: true }),
        inks: image().toColourspace("cmyk").jpeg(),
        turned: image().withMetadata({ orientation: 6 }).jpeg(),
        profile: image().withIccProfile("p3").jpeg(),
        large: picture(301, 20, "b").jpeg(),
        png: image().png()
      }
      for (const [name, one] of Object.entries(cases))
        assert.isUndefined(decode(yield* Effect.promise(() => one.toBuffer())), name)
      const upright = yield* Effect.promise(() =>
        image()
          .withExif({ IFD0: { Copyright: "me" } })
          .jpeg()
          .toBuffer()
      )
      assert.deepStrictEqual(decode(upright), yield* bySharp(upright))
      assert.isUndefined(decodeJpeg(upright, most, 1199))
    })
  )
  it("a file cut short anywhere", () => {
    for (const name of fileNames) {
      const bytes = file(name)
      for (let end = 0; end < bytes.length; end++) assert.isUndefined(decode(bytes.subarray(0, end)), `${name} ${end}`)
    }
  })
  it.effect.prop(
    "a damaged one, unless sharp sees the same in it",
    [Schema.Struct({ key: Schema.String })],
    ([{ key }]) =>
      Effect.gen(function* () {
        const { below } = draw(key)
        const bytes = file(fileNames[below(fileNames.length)] ?? "optimised").slice()
        for (let n = below(3); n >= 0; n--) bytes[below(bytes.length)] = below(256)
        const found = decode(bytes)
        if (found !== undefined) assert.deepStrictEqual(found, yield* bySharp(bytes))
      }),
    { arbitrary: { runs: 400 } }
  )
})
