import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { decodeSmallJpeg } from "../../../src/layers/images/decodeSmallJpeg.ts"
import { JpegTurbo } from "../../../src/layers/images/JpegTurbo.ts"
import { plainJpeg } from "../../../src/layers/images/plainJpeg.ts"
import { layerFromBytes } from "../../../src/layers/SharpImages.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import type { ImageRefused } from "../../../src/pipeline/Images.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { file, fileNames } from "./jpegFiles.ts"

const config = (change: (typeof ImageConfig)["Encoded"] = {}) =>
  Schema.decodeSync(ImageConfig)({ height: 300, width: 300, ...change })
const decode = (bytes: Uint8Array) => decodeSmallJpeg(bytes, config())

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
        assert.deepStrictEqual(decode(bytes), yield* bySharp(bytes))
        assert.deepStrictEqual(plainJpeg(bytes), { height, width, channels: grey ? 1 : 3 })
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
      assert.isUndefined(decodeSmallJpeg(upright, config({ maxPixels: 1199 })))
      assert.isUndefined(decodeSmallJpeg(upright, config({ fit: "cover" })))
    })
  )
  it("a file cut short anywhere", () => {
    for (const name of fileNames) {
      const bytes = file(name)
      for (let end = 0; end < bytes.length; end++) assert.isUndefined(decode(bytes.subarray(0, end)), `${name} ${end}`)
    }
  })
})

/** A JPEG of 4:2:0 whose header says another size than its scan has. */
const withSize = (bytes: Uint8Array, height: number, width: number): Uint8Array => {
  const lying = bytes.slice()
  const at = lying.findIndex((byte, i) => byte === 0xff && (lying[i + 1] === 0xc0 || lying[i + 1] === 0xc2))
  lying.set([height >> 8, height & 255, width >> 8, width & 255], at + 5)
  return lying
}

/** What both ways of looking at a file find, at a size where it is decoded here and one where sharp decodes it. */
const judge = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const images = yield* Images.pipe(
    Effect.provide(layerFromBytes.pipe(Layer.provide(ImageBytes.layerMemory(new Map([["it", bytes]])))))
  )
  const looks = [
    images.check("it", config()),
    images.load("it", config()),
    images.load("it", config({ height: 8, width: 8 })),
    images.load("it", config({ fit: "contain" }))
  ]
  const found = yield* Effect.forEach(looks, (look) => Effect.result<unknown, ImageRefused, never>(look))
  return found.map((result) => (Result.isFailure(result) ? `${result.failure.reason}: ${result.failure.detail}` : "ok"))
})

describe("one decision", () => {
  it.effect.prop(
    "a damaged file is refused by check and load, at every size, for one reason, or by neither",
    [Schema.Struct({ key: Schema.String })],
    ([{ key }]) =>
      Effect.gen(function* () {
        const { below } = draw(key)
        const bytes = file(fileNames[below(fileNames.length)] ?? "optimised").slice()
        for (let n = below(3); n >= 0; n--) bytes[below(bytes.length)] = below(256)
        const [first, ...others] = yield* judge(bytes)
        for (const other of others) assert.strictEqual(other, first)
      }),
    { arbitrary: { runs: 400 } }
  )
  it.effect("a header that promises more than the scan has is refused as cut short", () =>
    Effect.gen(function* () {
      for (const progressive of [false, true]) {
        const bytes = yield* Effect.promise(() => picture(60, 80, "small").jpeg({ progressive }).toBuffer())
        assert.deepStrictEqual(yield* judge(bytes), ["ok", "ok", "ok", "ok"])
        for (const [height, width] of [
          [6912, 6912],
          [96, 60],
          [240, 200]
        ] as const) {
          const found = yield* judge(withSize(bytes, height, width))
          const why = "imageCorrupt: it cannot be decoded: Corrupt JPEG data: premature end of data segment"
          assert.deepStrictEqual(found, [why, why, why, why], `${height} x ${width}, progressive ${progressive}`)
        }
      }
    })
  )
  it.effect("stray bytes, behind the first two too, harm nothing", () =>
    Effect.gen(function* () {
      const bytes = file("optimised")
      for (const at of [2, bytes.length - 2]) {
        const stray = Buffer.concat([bytes.subarray(0, at), Buffer.from([1, 2, 3]), bytes.subarray(at)])
        assert.deepStrictEqual(yield* judge(stray), ["ok", "ok", "ok", "ok"], `at ${at}`)
      }
    })
  )
  it.effect("codes of ones alone are refused, as libjpeg does; a JFIF segment of 7 bytes says nothing", () =>
    Effect.gen(function* () {
      const bytes = file("optimised").slice()
      // The first Huffman table: one code of one bit becomes two, 0 and 1.
      const table = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc4) + 5
      const counts = bytes.subarray(table, table + 16)
      const total = counts.reduce((a, b) => a + b, 0)
      counts.fill(0)
      counts.set([2, 0])
      // The rest of the symbols belongs to a segment that is skipped: the table has two now.
      const broken = Buffer.concat([bytes.subarray(0, table + 18), bytes.subarray(table + 16 + total)])
      broken.writeUInt16BE(broken.readUInt16BE(table - 3) - total + 2, table - 3)
      const why = "imageCorrupt: it cannot be decoded: Bogus Huffman table definition"
      assert.deepStrictEqual(yield* judge(broken), [why, why, why, why])

      // Components named R, G and B are RGB, unless a JFIF segment of at least 14 bytes says YCbCr.
      const short = rgbWithShortJfif(
        yield* Effect.promise(() => picture(40, 30, "a").jpeg({ chromaSubsampling: "4:4:4" }).toBuffer())
      )
      assert.deepStrictEqual(decode(short), yield* bySharp(short))
      assert.isDefined(decode(short))
    })
  )
})

/** A JPEG without an APP0 segment, given one of 7 bytes, and components called R, G and B. */
const rgbWithShortJfif = (bytes: Uint8Array): Uint8Array => {
  const rest = Uint8Array.from(bytes.subarray(2))
  const frame = rest.findIndex((byte, i) => byte === 0xff && rest[i + 1] === 0xc0) + 10
  const scan = rest.findIndex((byte, i) => byte === 0xff && rest[i + 1] === 0xda) + 5
  for (const [i, letter] of ["R", "G", "B"].entries()) {
    rest[frame + 3 * i] = letter.charCodeAt(0)
    rest[scan + 2 * i] = letter.charCodeAt(0)
  }
  return Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 7]), Buffer.from("JFIF\0"), rest])
}

describe("libjpeg-turbo in WebAssembly", () => {
  it("has its own complaint about each file, and is itself after thousands that end in an error", () => {
    const turbo = new JpegTurbo()
    const whole = file("restarts")
    const expected = turbo.decode(whole)
    assert.property(expected, "data")
    const noScan = whole.subarray(0, 200)
    for (let i = 0; i < 3000; i++) {
      const found = turbo.decode(noScan)
      if (!("complaint" in found) || found.complaint === "No error") assert.fail(JSON.stringify(found).slice(0, 99))
    }
    assert.strictEqual(turbo.complaint(whole.subarray(0, whole.length - 40)), "Premature end of JPEG file")
    assert.isUndefined(turbo.complaint(whole))
    assert.deepStrictEqual(turbo.decode(whole), expected)
  })
})
