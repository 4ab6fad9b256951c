import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import type { Sharp } from "sharp"
import { afterAll } from "vitest"
import { layer } from "../../../src/layers/images/SharpImages.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { fingerprint } from "../../../src/pipeline/fingerprint.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"
import { distance, figure } from "../../fixtures/pictures.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-images-"))
afterAll(() => rmSync(folder, { recursive: true }))

const source = figure("source")
const picture = (pixels: Pixels = source) =>
  sharp(pixels.data, { raw: { width: pixels.width, height: pixels.height, channels: 3 } })
const save = (name: string, bytes: Uint8Array | string) => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const config = (change: (typeof ImageConfig)["Encoded"] = {}) =>
  Schema.decodeSync(ImageConfig)({ height: 14, width: 20, ...change })

const coloured = { background: [200, 100, 50] as const }

/** A smooth picture of any size, for lossy formats. */
const smooth = (width: number, height: number): Pixels => ({
  height,
  width,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width
    const y = Math.floor(i / 3 / width)
    return [(x * 200) / width, (y * 150) / height + 50, ((x + y) * 255) / (width + height)][i % 3] ?? 0
  })
})

const load = (path: string, change: (typeof ImageConfig)["Encoded"] = {}) =>
  Effect.flatMap(Images, (images) => images.load(path, config(change))).pipe(Effect.provide(layer))
const check = (path: string, change: (typeof ImageConfig)["Encoded"] = {}) =>
  Effect.flatMap(Images, (images) => images.check(path, config(change))).pipe(Effect.provide(layer))

describe("formats", () => {
  it.effect("files without loss come back as they went in, and a check tells what they are", () =>
    Effect.gen(function* () {
      const files = {
        png: yield* Effect.promise(() => picture().png().toBuffer()),
        webp: yield* Effect.promise(() => picture().webp({ lossless: true }).toBuffer()),
        tiff: yield* Effect.promise(() => picture().tiff({ compression: "lzw" }).toBuffer())
      }
      for (const [format, bytes] of Object.entries(files)) {
        // The name says nothing: the bytes do.
        const path = save(`${format}.jpg`, bytes)
        assert.deepStrictEqual(yield* load(path), source, format)
        const digest = createHash("sha256").update(readFileSync(path)).digest("hex")
        const looks = fingerprint({ ...source, channels: 3 })
        assert.deepStrictEqual(yield* check(path), {
          height: 14,
          width: 20,
          channels: 3,
          format,
          digest,
          fingerprint: looks
        })
      }
    })
  )
  it.effect("a check tells what a picture looks like, the same at any size, format and quality", () =>
    Effect.gen(function* () {
      const large = smooth(3000, 2400) // it is shrunk while it is decoded
      const raw = ({ data, height, width }: Pixels) => sharp(data, { raw: { height, width, channels: 3 } })
      const looksOf = Effect.fnUntraced(function* (name: string, image: Sharp) {
        const path = save(name, yield* Effect.promise(() => image.toBuffer()))
        return (yield* check(path)).fingerprint ?? ""
      })
      const own = yield* looksOf("large.png", raw(large).png())
      const others = [
        yield* looksOf("large.jpg", raw(large).jpeg()),
        // Decoded in this thread.
        yield* looksOf("small.jpg", raw(smooth(100, 80)).jpeg({ quality: 90 })),
        yield* looksOf("alpha.png", raw(smooth(300, 240)).ensureAlpha().png()),
        yield* looksOf("wide.png", raw(smooth(300, 240)).toColourspace("rgb16").png())
      ]
      assert.strictEqual(own.length, 64)
      const differing = (a: string, b: string) => [...a].filter((digit, i) => digit !== b[i]).length
      for (const other of others) assert.isAtMost(differing(own, other), 4)
      assert.isAbove(differing(own, yield* looksOf("turned.png", raw(smooth(300, 240)).rotate(90).png())), 20)
    })
  )
  it.effect("lossy ones come back nearly so", () =>
    Effect.gen(function* () {
      const pixels = smooth(60, 80)
      const files = {
        jpeg: yield* Effect.promise(() => picture(pixels).jpeg({ quality: 95 }).toBuffer()),
        progressive: yield* Effect.promise(() => picture(pixels).jpeg({ quality: 95, progressive: true }).toBuffer()),
        avif: yield* Effect.promise(() => picture(pixels).avif({ quality: 90, effort: 0 }).toBuffer()),
        gif: yield* Effect.promise(() => picture(pixels).gif().toBuffer())
      }
      for (const [name, bytes] of Object.entries(files)) {
        const path = save(`lossy-${name}`, bytes)
        assert.isBelow(
          distance(yield* load(path, { height: 80, width: 60 }), pixels).mean,
          name === "gif" ? 5 : 2,
          name
        )
        assert.deepInclude(yield* check(path), { height: 80, width: 60, channels: 3 })
      }
    })
  )
  it.effect("16 bits, a palette, greyscale, alpha and CMYK all become three 8-bit channels", () =>
    Effect.gen(function* () {
      const grey = figure("source").data.map((_, i, data) => data[i - (i % 3)] ?? 0)
      const greys = Uint8Array.from({ length: 280 }, (_, i) => grey[i * 3] ?? 0)
      const one = () => sharp(greys, { raw: { width: 20, height: 14, channels: 1 } }).toColourspace("b-w")
      const sixteen = yield* Effect.promise(() => picture().toColourspace("rgb16").png().toBuffer())
      assert.strictEqual((yield* Effect.promise(() => sharp(sixteen).metadata())).depth, "ushort")
      assert.deepStrictEqual(yield* load(save("16", sixteen)), source)
      assert.deepStrictEqual(yield* load(save("16", sixteen), coloured), source)
      const palette = yield* Effect.promise(() => picture().png({ palette: true, dither: 0, effort: 10 }).toBuffer())
      assert.isBelow(distance(yield* load(save("palette", palette)), source).mean, 6)

      const single = save("grey", yield* Effect.promise(() => one().png().toBuffer()))
      assert.deepStrictEqual((yield* load(single)).data, grey)
      assert.deepStrictEqual((yield* load(single, coloured)).data, grey)
      assert.strictEqual((yield* check(single)).channels, 1)
      const single16 = save("grey16", yield* Effect.promise(() => one().toColourspace("grey16").png().toBuffer()))
      assert.deepStrictEqual((yield* load(single16)).data, grey)
      assert.strictEqual((yield* check(single16)).channels, 1)

      // Half transparent: half the picture and half the background (200, 100, 50).
      const half = (v: number, i: number) => (v * 128 + ([200, 100, 50][i % 3] ?? 0) * 127) / 255
      const padded = yield* load(single, { ...coloured, height: 30, fit: "contain" })
      assert.deepStrictEqual([...padded.data.subarray(0, 3)], [200, 100, 50])
      const alpha = Buffer.alloc(280, 128)
      const join = { raw: { width: 20, height: 14, channels: 1 as const } }
      const rgba = save("rgba", yield* Effect.promise(() => picture().joinChannel(alpha, join).png().toBuffer()))
      const ga = save(
        "ga",
        yield* Effect.promise(() => one().joinChannel(alpha, join).toColourspace("b-w").png().toBuffer())
      )
      assert.isAtMost(distance(yield* load(rgba, coloured), { ...source, data: source.data.map(half) }).largest, 1)
      assert.isAtMost(distance(yield* load(ga, coloured), { ...source, data: grey.map(half) }).largest, 1)
      const grounds = { background: [90, 90, 90] as const }
      const onGrey = (v: number) => (v * 128 + 90 * 127) / 255
      assert.isAtMost(distance(yield* load(rgba, grounds), { ...source, data: source.data.map(onGrey) }).largest, 1)
      assert.isAtMost(distance(yield* load(ga, grounds), { ...source, data: grey.map(onGrey) }).largest, 1)
      assert.deepStrictEqual([(yield* check(rgba)).channels, (yield* check(ga)).channels], [4, 2])

      const pixels = smooth(40, 30)
      const cmyk = save(
        "cmyk",
        yield* Effect.promise(() => picture(pixels).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer())
      )
      // A detour over inks: colours come back roughly.
      for (const ground of [{}, coloured])
        assert.isBelow(distance(yield* load(cmyk, { height: 30, width: 40, ...ground }), pixels).mean, 16)
      assert.strictEqual((yield* check(cmyk)).channels, 3)
    })
  )
  it.effect("of an animation the first frame is taken", () =>
    Effect.gen(function* () {
      const frames = ["red", "lime", "blue"].map((background) => ({
        create: { width: 20, height: 14, channels: 3 as const, background }
      }))
      const stills = yield* Effect.promise(() => Promise.all(frames.map((frame) => sharp(frame).png().toBuffer())))
      const bytes = yield* Effect.promise(() =>
        sharp(stills, { join: { animated: true } })
          .gif()
          .toBuffer()
      )
      const path = save("animated.gif", bytes)
      assert.deepStrictEqual([...(yield* load(path)).data.subarray(0, 3)], [255, 0, 0])
      assert.deepInclude(yield* check(path), { height: 14, width: 20, format: "gif" })
    })
  )
  it.effect("all eight EXIF orientations come out upright", () =>
    Effect.gen(function* () {
      const at = (x: number, y: number) => Array.from(source.data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3))
      // Where pixel (x, y) of the upright picture of w x h lies in the stored one. Source: EXIF 2.3, tag 274.
      const stored: ReadonlyArray<(x: number, y: number, w: number, h: number) => ReadonlyArray<number>> = [
        (x, y) => at(x, y),
        (x, y, w) => at(w - 1 - x, y),
        (x, y, w, h) => at(w - 1 - x, h - 1 - y),
        (x, y, _, h) => at(x, h - 1 - y),
        (x, y) => at(y, x),
        (x, y, w) => at(y, w - 1 - x),
        (x, y, w, h) => at(h - 1 - y, w - 1 - x),
        (x, y, _, h) => at(h - 1 - y, x)
      ]
      for (const [i, pixel] of stored.entries()) {
        const [width, height] = i < 4 ? [20, 14] : [14, 20]
        const bytes = yield* Effect.promise(() =>
          picture()
            .withMetadata({ orientation: i + 1 })
            .png()
            .toBuffer()
        )
        const path = save(`orientation-${i + 1}.png`, bytes)
        const upright = Array.from({ length: 280 }, (_, p) => pixel(p % width, Math.floor(p / width), width, height))
        for (const ground of [{}, coloured]) {
          const pixels = yield* load(path, { height, width, ...ground })
          assert.deepStrictEqual([...pixels.data], upright.flat(), `orientation ${i + 1}`)
        }
        assert.deepInclude(yield* check(path), { height, width })
      }
    })
  )
})

describe("sizes", () => {
  it.effect("bicubic is Pillow's, but at hard edges when it shrinks, and for half a pixel when it enlarges", () =>
    Effect.gen(function* () {
      const path = save("source.png", yield* Effect.promise(() => picture().png().toBuffer()))
      const shrunk = distance(yield* load(path, { height: 9, width: 13 }), figure("shrink", 13, 9))
      assert.isBelow(shrunk.mean, 0.5)
      assert.isAtMost(shrunk.largest, 6)
      // libvips's enlarged pictures lie half a (new) pixel to the right and down; so do the figures. Borders left out.
      const enlarged = yield* load(path, { height: 23, width: 31 })
      const inside = ({ data }: Pixels): Pixels => ({
        height: 17,
        width: 25,
        data: data.filter((_, i) => {
          const [x, y] = [Math.floor(i / 3) % 31, Math.floor(i / 93)]
          return x >= 3 && x < 28 && y >= 3 && y < 20
        })
      })
      assert.isBelow(distance(inside(enlarged), inside(figure("enlarge", 31, 23))).mean, 1.5)
    })
  )
  it.effect("a large JPEG is decoded at a fraction of its size, whatever else is done to it", () =>
    Effect.gen(function* () {
      // A grid that is finer than what is left of it: decoded at a fraction, its cells become another grey.
      const pixels = smooth(640, 480)
      const fine = { ...pixels, data: pixels.data.map((value, i) => (i % 7 < 3 ? value : 255 - value)) }
      const jpeg = () => picture(fine).jpeg({ quality: 90 })
      const files = {
        plain: jpeg(),
        turned: jpeg().withMetadata({ orientation: 6 }),
        profile: jpeg().withIccProfile("p3"),
        grey: jpeg().greyscale()
      }
      for (const [name, file] of Object.entries(files)) {
        const bytes = yield* Effect.promise(() => file.toBuffer())
        const path = save(`large-${name}.jpg`, bytes)
        const open = () => sharp(bytes, { autoOrient: true })
        const end = (image: Sharp) =>
          image
            .resize({ width: 20, height: 14, fit: "fill", kernel: "cubic" })
            .toColourspace("srgb")
            .raw()
            .toBuffer({ resolveWithObject: true })
        const whole = yield* Effect.promise(async () => {
          const { data, info } = await open().toColourspace("srgb").raw().toBuffer({ resolveWithObject: true })
          return end(sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } }))
        })
        const found = yield* load(path)
        const at = yield* Effect.promise(() => end(open()))
        assert.deepStrictEqual([...found.data], [...at.data], name)
        assert.notDeepEqual([...found.data], [...whole.data], name)
      }
    })
  )
  it.effect("the kernel is the configured one: linear weighs by distance when it shrinks, as Pillow's bilinear", () =>
    Effect.gen(function* () {
      const pixels = smooth(20, 18)
      const path = save("kernels.png", yield* Effect.promise(() => picture(pixels).png().toBuffer()))
      const half = { height: 9, width: 10 }
      const linear = yield* load(path, { ...half, kernel: "linear" })
      // Four pixels for each, at 1.5 and 0.5 of its centre on both sides: 1, 3, 3 and 1 eighths.
      const at = (x: number, y: number, c: number) => pixels.data[(y * 20 + x) * 3 + c] ?? NaN
      const eighths = [1, 3, 3, 1]
      for (let y = 1; y < 8; y++)
        for (let x = 1; x < 9; x++)
          for (let c = 0; c < 3; c++) {
            let sum = 0
            for (const [i, down] of eighths.entries())
              for (const [k, across] of eighths.entries())
                sum += (down * across * at(2 * x - 1 + k, 2 * y - 1 + i, c)) / 64
            assert.approximately(linear.data[(y * 10 + x) * 3 + c] ?? NaN, sum, 1)
          }
      const smaller = { height: 9, width: 13 }
      const noisy = save("noisy.png", yield* Effect.promise(() => picture().png().toBuffer()))
      const jpeg = save("noisy.jpg", yield* Effect.promise(() => picture().jpeg().toBuffer()))
      for (const size of [smaller, { height: 23, width: 31 }]) {
        const usual = yield* load(noisy, size)
        assert.deepStrictEqual(yield* load(noisy, { ...size, kernel: "cubic" }), usual)
        for (const kernel of ["linear", "nearest"] as const) {
          assert.isAbove(distance(yield* load(noisy, { ...size, kernel }), usual).mean, 0.5)
          // Also of a file that is decoded in this thread where the kernel is the usual one.
          assert.isAbove(distance(yield* load(jpeg, { ...size, kernel }), yield* load(jpeg, size)).mean, 0.5)
        }
        const sharpened = distance(yield* load(noisy, { ...size, kernel: "lanczos3" }), usual).mean
        assert.strictEqual(sharpened > 0, size === smaller)
      }
      assert.strictEqual(
        (yield* check(jpeg, { kernel: "linear" })).fingerprint,
        (yield* check(jpeg, { kernel: "cubic" })).fingerprint
      )
    })
  )
  it.effect("fill stretches, cover cuts the sides off, contain pads with the background", () =>
    Effect.gen(function* () {
      const pixels = smooth(40, 20)
      const path = save("wide.png", yield* Effect.promise(() => picture(pixels).png().toBuffer()))
      const at = (p: Pixels, x: number, y: number) => [
        ...p.data.subarray((y * p.width + x) * 3, (y * p.width + x) * 3 + 3)
      ]
      const size = { ...coloured, height: 20, width: 20 }
      const fill = yield* load(path, { ...size, fit: "fill" })
      const cover = yield* load(path, { ...size, fit: "cover" })
      const contain = yield* load(path, { ...size, fit: "contain" })
      for (const p of [fill, cover, contain]) assert.deepStrictEqual([p.height, p.width, p.data.length], [20, 20, 1200])
      assert.isBelow(at(fill, 0, 10)[0] ?? 0, 10)
      assert.isAbove(at(fill, 19, 10)[0] ?? 0, 180)
      assert.deepStrictEqual(at(cover, 0, 7), at(pixels, 10, 7))
      assert.deepStrictEqual(at(cover, 19, 19), at(pixels, 29, 19))
      assert.deepStrictEqual(at(contain, 5, 4), [200, 100, 50])
      assert.deepStrictEqual(at(contain, 5, 15), [200, 100, 50])
      assert.notDeepEqual(at(contain, 5, 10), [200, 100, 50])
    })
  )
  it.effect("a single pixel and a thread of pixels have every size", () =>
    Effect.gen(function* () {
      for (const [width, height] of [
        [1, 1],
        [1, 700],
        [700, 1]
      ] as const)
        for (const fit of ["fill", "cover", "contain"] as const) {
          const create = { width, height, channels: 3 as const, background: "red" }
          const path = save("thin.png", yield* Effect.promise(() => sharp({ create }).png().toBuffer()))
          assert.strictEqual((yield* load(path, { height: 16, width: 9, fit })).data.length, 432)
        }
    })
  )
})

describe("refusals", () => {
  /** What both ways of looking at a file say; they must agree. */
  const refusal = Effect.fnUntraced(function* (path: string, change: (typeof ImageConfig)["Encoded"] = {}) {
    const loaded = yield* Effect.flip(load(path, change))
    const checked = yield* Effect.flip(check(path, change))
    assert.deepStrictEqual([loaded.reason, loaded.path], [checked.reason, path])
    assert.strictEqual(loaded.path, checked.path)
    return loaded
  })

  it.effect("each fault has its own reason", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "folder.jpg"))
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
      const faults = [
        [join(folder, "nowhere.jpg"), "imageMissing"],
        [join(save("file", "x"), "beyond.jpg"), "imageMissing"],
        [join(folder, "folder.jpg"), "imageUnreadable"],
        [save("empty.jpg", ""), "imageEmpty"],
        [save("text.jpg", "this is no image"), "notAnImage"],
        [save("page.jpg", "<!doctype html><title>404</title>"), "notAnImage"],
        [save("drawing.svg", svg), "notAnImage"],
        [save("phone.heic", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "notAnImage"],
        [save("magic.jpg", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16])), "imageCorrupt"],
        [save("magic.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2])), "imageCorrupt"]
      ] as const
      for (const [path, reason] of faults) {
        const error = yield* refusal(path)
        assert.strictEqual(error.reason, reason, path)
        assert.isAbove(error.detail.length, 10)
      }
    })
  )
  // Permissions do not bind the superuser.
  it.effect.skipIf(process.getuid === undefined || process.getuid() === 0)(
    "a file that may not be read is told apart",
    () =>
      Effect.gen(function* () {
        const path = save("secret.jpg", "x")
        chmodSync(path, 0)
        assert.strictEqual((yield* refusal(path)).reason, "imageUnreadable")
      })
  )
  it.effect("a file with too many pixels is refused with its size and the limit", () =>
    Effect.gen(function* () {
      const path = save("large.png", yield* Effect.promise(() => picture(smooth(60, 50)).png().toBuffer()))
      const error = yield* refusal(path, { maxPixels: 2999 })
      assert.strictEqual(error.reason, "imageTooLarge")
      assert.strictEqual(error.detail, "it has 60 x 50 = 3000 pixels; image.maxPixels allows 2999")
      assert.strictEqual((yield* load(path, { maxPixels: 3000 })).width, 20)
    })
  )
  it.effect("a file cut short anywhere is refused, in every format", () =>
    Effect.gen(function* () {
      const pixels = smooth(90, 70)
      const files = {
        jpeg: yield* Effect.promise(() => picture(pixels).jpeg().toBuffer()),
        progressive: yield* Effect.promise(() => picture(pixels).jpeg({ progressive: true }).toBuffer()),
        png: yield* Effect.promise(() => picture(pixels).png().toBuffer()),
        interlaced: yield* Effect.promise(() => picture(pixels).png({ progressive: true }).toBuffer()),
        webp: yield* Effect.promise(() => picture(pixels).webp().toBuffer()),
        gif: yield* Effect.promise(() => picture(pixels).gif().toBuffer()),
        tiff: yield* Effect.promise(() => picture(pixels).tiff({ compression: "lzw" }).toBuffer()),
        tiffJpeg: yield* Effect.promise(() => picture(pixels).tiff({ compression: "jpeg" }).toBuffer()),
        avif: yield* Effect.promise(() => picture(pixels).avif({ effort: 0 }).toBuffer())
      }
      for (const [name, bytes] of Object.entries(files)) {
        for (const share of [0.1, 0.3, 0.6, 0.9, 0.98]) {
          const path = save(`cut-${name}`, bytes.subarray(0, Math.floor(bytes.length * share)))
          assert.strictEqual((yield* refusal(path)).reason, "imageCorrupt", `${name} at ${share}`)
        }
        assert.strictEqual((yield* load(save(`whole-${name}`, bytes))).height, 14, name)
      }
    })
  )
  it.effect("a damaged PNG is refused; stray bytes in a good JPEG are not", () =>
    Effect.gen(function* () {
      const png = yield* Effect.promise(() => picture(smooth(90, 70)).png().toBuffer())
      const damaged = Uint8Array.from(png, (v, i) => (i === Math.floor(png.length / 2) ? v ^ 0xff : v))
      assert.strictEqual((yield* refusal(save("damaged.png", damaged))).reason, "imageCorrupt")
      const jpeg = yield* Effect.promise(() => picture().jpeg().toBuffer())
      const stray = Buffer.concat([jpeg.subarray(0, 2), Buffer.from([1, 2, 3]), jpeg.subarray(2), Buffer.from("end")])
      assert.deepStrictEqual(yield* load(save("stray.jpg", stray)), yield* load(save("good.jpg", jpeg)))
    })
  )
})
