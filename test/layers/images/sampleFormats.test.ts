import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import { execFileSync } from "node:child_process"
import sharp from "sharp"
import type { Sharp } from "sharp"
import { layerFromBytes } from "../../../src/layers/SharpImages.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { Pixels } from "../../../src/pipeline/Pixels.ts"
import { distance } from "../../fixtures/pictures.ts"
import { pythonWith } from "../../python.ts"

/** Saturated colours, greys and slopes, neither square nor symmetric. */
const source: Pixels = {
  height: 32,
  width: 24,
  data: Uint8Array.from({ length: 32 * 24 * 3 }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % 24, Math.floor(i / 72), i % 3]
    if (y < 8)
      return (
        (
          [
            [250, 20, 20],
            [20, 240, 30],
            [10, 20, 250],
            [128, 128, 128]
          ][x >> 3] ?? []
        )[c] ?? 0
      )
    return [x * 11, y * 8, (x * 7 + y * 5) % 256][c] ?? 0
  })
}
const picture = () => sharp(source.data, { raw: { width: 24, height: 32, channels: 3 } })

const load = Effect.fnUntraced(function* (bytes: Uint8Array, change: (typeof ImageConfig)["Encoded"] = {}) {
  const files = ImageBytes.layerMemory(new Map([["it", bytes]]))
  const config = Schema.decodeSync(ImageConfig)({ height: 32, width: 24, ...change })
  const look = Effect.gen(function* () {
    const images = yield* Images
    const checked = yield* Effect.result(images.check("it", config))
    const loaded = yield* Effect.result(images.load("it", config))
    // Never kept by one and refused by the other.
    assert.strictEqual(Result.isSuccess(checked), Result.isSuccess(loaded))
    return yield* Effect.fromResult(loaded)
  })
  return yield* look.pipe(Effect.provide(Layer.provide(layerFromBytes, files)))
})

const first = ({ data }: Pixels) => Array.from(data.subarray(0, 3))

describe("more than 8 bits", () => {
  const kinds = {
    png: (image: Sharp) => image.toColourspace("rgb16").png(),
    tiff: (image: Sharp) => image.toColourspace("rgb16").tiff({ compression: "lzw" }),
    "avif of 10 bits": (image: Sharp) =>
      image.toColourspace("rgb16").avif({ lossless: true, chromaSubsampling: "4:4:4", bitdepth: 10, effort: 0 }),
    "avif of 12 bits": (image: Sharp) =>
      image.toColourspace("rgb16").avif({ lossless: true, chromaSubsampling: "4:4:4", bitdepth: 12, effort: 0 })
  }
  for (const profile of [undefined, "srgb", "p3"])
    it.effect(`give the pixels of the same picture of 8 bits; profile: ${profile ?? "none"}`, () =>
      Effect.gen(function* () {
        const eight = yield* Effect.promise(() =>
          (profile === undefined ? picture() : picture().withIccProfile(profile)).png().toBuffer()
        )
        const expected = yield* load(eight)
        assert.isAtMost(
          distance({ ...expected, data: expected.data.subarray(0, 3) }, { ...source, data: source.data.subarray(0, 3) })
            .largest,
          1
        )
        for (const [name, write] of Object.entries(kinds)) {
          // The same numbers, with more bits and the same profile.
          const wide = yield* Effect.promise(() => write(sharp(eight).keepIccProfile()).toBuffer())
          const facts = yield* Effect.promise(() => sharp(wide).metadata())
          assert.deepStrictEqual([facts.depth, facts.hasProfile], ["ushort", profile !== undefined], name)
          for (const change of [{}, { background: [200, 100, 50] as const }, { fit: "contain" as const }]) {
            const found = yield* load(wide, change)
            assert.isAtMost(distance(found, expected).largest, 1, name)
            assert.isTrue(
              first(found).every((v, c) => Math.abs(v - ([250, 20, 20][c] ?? 0)) <= 1),
              `${name} ${first(found)}`
            )
          }
          // At other sizes, too.
          for (const size of [
            { height: 45, width: 31 },
            { height: 11, width: 9 }
          ])
            assert.isAtMost(distance(yield* load(wide, size), yield* load(eight, size)).largest, 2, name)
        }
      })
    )
  it.effect("of grey, and with alpha", () =>
    Effect.gen(function* () {
      const grey = (wide: boolean) =>
        picture()
          .greyscale()
          .toColourspace(wide ? "grey16" : "b-w")
          .png()
      const alpha = (wide: boolean) =>
        picture()
          .ensureAlpha(0.5)
          .toColourspace(wide ? "rgb16" : "srgb")
          .png()
      for (const write of [grey, alpha])
        for (const background of [
          [200, 100, 50],
          [90, 90, 90]
        ] as const) {
          const change = { background, fit: "contain" as const, width: 40 }
          const narrow = yield* load(yield* Effect.promise(() => write(false).toBuffer()), change)
          const wide = yield* load(yield* Effect.promise(() => write(true).toBuffer()), change)
          assert.isAtMost(distance(wide, narrow).largest, 1)
          assert.deepStrictEqual(first(wide), [...background])
        }
    })
  )
})

describe("a turned photo", () => {
  it.effect("that is enlarged has the very pixels of the upright one; shrunk, nearly so", () =>
    Effect.gen(function* () {
      const sizes = [
        { height: 67, width: 53 },
        { height: 20, width: 90 },
        { height: 53, width: 67, fit: "cover" as const },
        { height: 53, width: 67, fit: "contain" as const }
      ]
      for (let orientation = 2; orientation <= 8; orientation++) {
        const turned = yield* Effect.promise(() => picture().withMetadata({ orientation }).png().toBuffer())
        const upright = yield* Effect.promise(() => sharp(turned).autoOrient().png().toBuffer())
        for (const size of sizes)
          assert.deepStrictEqual(yield* load(turned, size), yield* load(upright, size), `orientation ${orientation}`)
        const small = { height: 13, width: 11 }
        assert.isBelow(distance(yield* load(turned, small), yield* load(upright, small)).mean, 1)
      }
    })
  )
})

const python = pythonWith("PIL", "numpy")

/** Writes the picture with Pillow in all modes that it has, and how Pillow reads each on white. */
const script = `
import base64, io, json, sys
import numpy as np
from PIL import Image
pixels = np.frombuffer(base64.b64decode(sys.stdin.read()), np.uint8).reshape(32, 24, 3)
image = Image.fromarray(pixels)
alpha = image.copy(); alpha.putalpha(Image.fromarray((pixels[..., 0] // 2 + 60).astype(np.uint8)))
grey = image.convert("L"); wide = np.asarray(grey).astype(np.uint16) * 257
levels = np.asarray(grey).astype(np.float32)
white = Image.new("RGBA", image.size, "white")
found = {}
def add(name, it, expected=None, **options):
    file = io.BytesIO(); it.save(file, name.split()[0], **options)
    if expected is None:
        back = Image.open(io.BytesIO(file.getvalue()))
        back = back.convert("RGBA") if back.mode in ("LA", "PA", "RGBA") or "transparency" in back.info else back.convert("RGB")
        expected = Image.alpha_composite(white, back).convert("RGB") if back.mode == "RGBA" else back
    found[name] = [base64.b64encode(file.getvalue()).decode(), base64.b64encode(np.asarray(expected).tobytes()).decode()]
def palette(): return image.quantize(32)
grey_rgb = grey.convert("RGB")
for mode in ("1", "L", "LA", "RGB", "RGBA"): add("PNG " + mode, (alpha if "A" in mode else image).convert(mode))
for bits in (1, 2, 4, 8): add("PNG P%d" % bits, image.quantize(2 ** bits), bits=bits)
add("PNG P with transparency", palette(), transparency=3)
add("PNG I;16", Image.fromarray(wide), grey_rgb)
for mode in ("1", "L", "LA", "RGB", "RGBA"): add("TIFF " + mode, (alpha if "A" in mode else image).convert(mode))
add("TIFF P", palette()); add("TIFF I;16", Image.fromarray(wide), grey_rgb)
for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"): add("TIFF RGB " + compression, image, compression=compression)
add("TIFF RGB jpeg", image, compression="jpeg", quality=95)
for name, it in (("TIFF L", grey), ("TIFF I;16", Image.fromarray(wide))):
    file = io.BytesIO(); it.save(file, "TIFF")
    one = bytes((6, 1, 3, 0, 1, 0, 0, 0, 1)); assert one in file.getvalue()
    inverted = file.getvalue().replace(one, one[:-1] + bytes(1))
    found[name + " of which 0 is white"] = [base64.b64encode(inverted).decode(), base64.b64encode(255 - np.asarray(grey_rgb)).decode()]
add("TIFF F", Image.fromarray(levels), image); add("TIFF F of 0 to 1", Image.fromarray(levels / 255), image)
add("TIFF I", Image.fromarray(np.asarray(grey).astype(np.int32)), image); add("TIFF YCbCr", image.convert("YCbCr"), image)
add("TIFF LAB", Image.merge("LAB", image.split()), image)
add("JPEG L", grey, quality=95); add("JPEG RGB", image, quality=95, subsampling=0); add("JPEG RGB progressive", image, quality=95, progressive=True)
add("JPEG RGB kept", image, quality=95, keep_rgb=True); add("JPEG CMYK", image.convert("CMYK"), quality=95); add("TIFF CMYK", image.convert("CMYK"))
add("GIF P", palette()); add("WEBP RGB", image, lossless=True); add("WEBP RGBA", alpha, lossless=True, exact=True)
add("AVIF RGB", image, quality=100, subsampling="4:4:4"); add("AVIF RGBA", alpha, quality=100, subsampling="4:4:4")
json.dump(found, sys.stdout)
`

/** What is refused, because no program can know what is white in it, or libvips takes its colours for others. */
const refused = ["TIFF F", "TIFF F of 0 to 1", "TIFF I", "TIFF YCbCr", "TIFF LAB"]
/**
 * Levels by which libvips and Pillow may be apart. Inks without a profile are no colours yet: libvips takes those of a
 * usual press, Pillow their complement.
 */
const apart: Readonly<Record<string, number>> = { "JPEG CMYK": 140, "TIFF CMYK": 140, "AVIF RGB": 3, "AVIF RGBA": 3 }

describe.skipIf(python === undefined)("against Pillow", () => {
  it.effect("every kind of sample has its pixels, or is refused with a reason", () =>
    Effect.gen(function* () {
      const options = {
        input: Buffer.from(source.data).toString("base64"),
        encoding: "utf8",
        maxBuffer: 2 ** 26
      } as const
      const output = execFileSync(python ?? "", ["-c", script], options)
      const files = yield* Schema.decodeEffect(
        Schema.fromJsonString(Schema.Record(Schema.String, Schema.Tuple([Schema.String, Schema.String])))
      )(output)
      assert.isAbove(Object.keys(files).length, 30)
      for (const [name, [file, pixels]] of Object.entries(files)) {
        const found = yield* Effect.result(load(Buffer.from(file, "base64")))
        if (refused.includes(name)) {
          assert.strictEqual(Result.isFailure(found) ? found.failure.reason : "kept", "imageUnsupported", name)
          continue
        }
        if (Result.isFailure(found)) assert.fail(`${name}: ${found.failure.message}`)
        const expected = { ...source, data: new Uint8Array(Buffer.from(pixels, "base64")) }
        const { largest } = distance(found.success, expected)
        assert.isAtMost(largest, apart[name] ?? 1, name)
      }
    })
  )
})
