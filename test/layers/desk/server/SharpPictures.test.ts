import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Sharp } from "sharp"
import sharp from "sharp"
import * as SharpPictures from "../../../../src/layers/desk/server/SharpPictures.ts"
import { Pictures } from "../../../../src/run/serve/Pictures.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const digest = "ab".repeat(32)

/** An image with a red left half and a blue right one. */
const halves = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#0000ff" } }).composite([
    {
      input: { create: { width: width / 2, height, channels: 3, background: "#ff0000" } },
      left: 0,
      top: 0
    }
  ])

const bytesOf = (image: Sharp) => Effect.promise(async () => new Uint8Array(await image.toBuffer()))

const opened = Effect.fnUntraced(function* <A, E>(
  body: (pictures: Pictures["Service"], folder: string) => Effect.Effect<A, E>,
  maxPixels = 1e6
) {
  const folder = yield* temporaryFolder
  return yield* Pictures.use((pictures) => body(pictures, folder)).pipe(
    Effect.provide(SharpPictures.layer(join(folder, "thumbnails"), maxPixels))
  )
}, Effect.scoped)

const shapeOf = (bytes: Uint8Array) =>
  Effect.promise(async () => {
    const { format, height, orientation, width } = await sharp(bytes).metadata()
    return { format, width, height, orientation }
  })
const pixelAt = (bytes: Uint8Array, x: number, y: number) =>
  Effect.promise(async () => {
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const at = (y * info.width + x) * info.channels
    return Array.from(data.subarray(at, at + 3), (value) => Math.round(value / 255))
  })

describe("thumbnails", () => {
  it.effect("have the asked-for longer side, and a small image stays as it is", () =>
    opened((pictures) =>
      Effect.gen(function* () {
        const wide = yield* bytesOf(halves(600, 200).jpeg())
        for (const size of ["96", "192", "384"] as const) {
          const jpeg = yield* pictures.thumbnail(digest, size, Effect.succeed(wide))
          const { height, width } = yield* shapeOf(jpeg)
          assert.deepStrictEqual([width, height], [Number(size), Math.round(Number(size) / 3)])
        }
        const large = yield* pictures.thumbnail(digest, "1024", Effect.succeed(wide))
        assert.deepInclude(yield* shapeOf(large), { format: "jpeg", width: 600, height: 200 })
      })
    )
  )

  it.effect("are upright, whatever the camera's orientation says, and do not say it again", () =>
    opened((pictures) =>
      Effect.gen(function* () {
        // Orientation 6: the camera was turned, so that the left half is the upper one.
        const turned = yield* bytesOf(halves(400, 200).jpeg().withMetadata({ orientation: 6 }))
        const jpeg = yield* pictures.thumbnail(digest, "96", Effect.succeed(turned))
        const { height, orientation, width } = yield* shapeOf(jpeg)
        assert.deepStrictEqual([width, height, orientation ?? 1], [48, 96, 1])
        assert.deepStrictEqual(yield* pixelAt(jpeg, 24, 10), [1, 0, 0])
        assert.deepStrictEqual(yield* pixelAt(jpeg, 24, 86), [0, 0, 1])
      })
    )
  )

  it.effect("are kept: the image is asked for once for each size, also after a restart", () =>
    opened((pictures, folder) =>
      Effect.gen(function* () {
        let asked = 0
        const image = yield* bytesOf(halves(400, 200).png())
        const bytes = Effect.sync(() => {
          asked += 1
          return image
        })
        const first = yield* pictures.thumbnail(digest, "96", bytes)
        const again = yield* pictures.thumbnail(digest, "96", bytes)
        assert.deepStrictEqual(Buffer.from(again), Buffer.from(first))
        assert.strictEqual(asked, 1)
        yield* pictures.thumbnail(digest, "192", bytes)
        assert.strictEqual(asked, 2)
        const restarted = SharpPictures.layer(join(folder, "thumbnails"), 1e6)
        const kept = yield* Pictures.use((another) => another.thumbnail(digest, "96", Effect.die("asked again"))).pipe(
          Effect.provide(restarted)
        )
        assert.deepStrictEqual(Buffer.from(kept), Buffer.from(first))
        // What is removed is made again.
        yield* Effect.promise(() => rm(join(folder, "thumbnails"), { recursive: true }))
        yield* pictures.thumbnail(digest, "96", bytes)
        assert.strictEqual(asked, 3)
      })
    )
  )

  it.effect("of what is no image, is damaged or has too many pixels are refused, and leave no file", () =>
    opened(
      (pictures, folder) =>
        Effect.gen(function* () {
          const large = yield* bytesOf(halves(400, 300).jpeg())
          const broken = (yield* bytesOf(halves(80, 60).png())).subarray(0, 60)
          const text = new TextEncoder().encode("<svg onload='alert(1)'></svg>")
          for (const bytes of [large, broken, text, new Uint8Array(0)]) {
            const error = yield* Effect.flip(pictures.thumbnail(digest, "96", Effect.succeed(bytes)))
            assert.strictEqual(error._tag, "PictureError")
            assert.include(error.message, "cannot be shown")
          }
          assert.isEmpty(yield* Effect.promise(() => readdir(join(folder, "thumbnails")).catch(() => [])))
          // The place is not spoilt: a good image has its thumbnail then.
          const small = yield* bytesOf(halves(80, 60).jpeg())
          assert.isAbove((yield* pictures.thumbnail(digest, "96", Effect.succeed(small))).length, 0)
        }),
      100_000
    )
  )

  it.effect("are given also where they cannot be kept", () =>
    opened((pictures, folder) =>
      Effect.gen(function* () {
        // No folder can be where a file is.
        yield* Effect.promise(() => writeFile(join(folder, "thumbnails"), "in the way"))
        const image = yield* bytesOf(halves(80, 60).jpeg())
        const jpeg = yield* pictures.thumbnail(digest, "96", Effect.succeed(image))
        assert.deepInclude(yield* shapeOf(jpeg), { format: "jpeg", width: 80, height: 60 })
      })
    )
  )

  it.effect("and kinds that browsers do not show are JPEGs; the others are the image itself", () =>
    opened((pictures) =>
      Effect.gen(function* () {
        const png = yield* bytesOf(halves(80, 60).png())
        assert.deepStrictEqual(yield* pictures.shown(png), { type: "image/png", bytes: png })
        const { bytes, type } = yield* pictures.shown(yield* bytesOf(halves(80, 60).tiff()))
        assert.strictEqual(type, "image/jpeg")
        assert.deepInclude(yield* shapeOf(bytes), { format: "jpeg", width: 80, height: 60 })
        // Transparent is white: it would be black in a JPEG.
        const clear = yield* bytesOf(
          sharp({ create: { width: 40, height: 30, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } }).webp()
        )
        const thumbnail = yield* pictures.thumbnail(digest, "96", Effect.succeed(clear))
        assert.deepStrictEqual(yield* pixelAt(thumbnail, 20, 15), [1, 1, 1])
      })
    )
  )
})
