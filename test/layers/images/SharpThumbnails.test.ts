import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import sharp from "sharp"
import * as SharpThumbnails from "../../../src/layers/images/SharpThumbnails.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { isLocalPicture } from "../../../src/run/report/picture.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const image = Schema.decodeSync(ImageConfig)({})
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** A wide photo, red on the left, blue on the right, see-through in between. */
const photo = (format: "png" | "jpeg") =>
  Effect.promise(() => {
    const data = Uint8Array.from({ length: 300 * 100 * 4 }, (_, i) => {
      const x = Math.floor(i / 4) % 300
      return [x < 100 ? 255 : 0, 0, x >= 200 ? 255 : 0, x < 100 || x >= 200 ? 255 : 0][i % 4]!
    })
    return sharp(data, { raw: { width: 300, height: 100, channels: 4 } })
      .toFormat(format)
      .toBuffer()
  })

const write = Effect.fnUntraced(function* (name: string, bytes: Uint8Array) {
  const path = join(yield* temporaryFolder, name)
  yield* Effect.promise(() => writeFile(path, bytes))
  return path
})

const thumbnail = (path: string, digest: string, within = [dirname(path)]) =>
  Thumbnails.use((thumbnails) => thumbnails.of(path, { digest, within }, image)).pipe(
    Effect.provide(SharpThumbnails.layer)
  )

describe("thumbnails by sharp", () => {
  it.effect("are small, whole, on the background, and in the address itself", () =>
    Effect.gen(function* () {
      const bytes = yield* photo("png")
      const address = yield* thumbnail(yield* write("a.png", bytes), digestOf(bytes))
      assert.isTrue(isLocalPicture(address ?? ""))
      assert.isBelow(address!.length, 4000)
      const picture = sharp(Buffer.from(address!.split(",")[1]!, "base64"))
      const { data, info } = yield* Effect.promise(() => picture.raw().toBuffer({ resolveWithObject: true }))
      assert.deepStrictEqual([info.width, info.height, info.channels], [240, 80, 3])
      const at = (x: number) => [...data.subarray((40 * 240 + x) * 3, (40 * 240 + x) * 3 + 3)]
      assert.isTrue(at(25).every((value, i) => Math.abs(value - [255, 0, 0][i]!) < 40))
      assert.isTrue(at(120).every((value) => value > 220))
      assert.isTrue(at(212).every((value, i) => Math.abs(value - [0, 0, 255][i]!) < 40))
    }).pipe(Effect.scoped)
  )

  it.effect("of pixels are as large as these, or 128 at most", () =>
    Effect.gen(function* () {
      const { ofPixels } = yield* Thumbnails
      const sizes = [
        { height: 9, width: 20 },
        { height: 300, width: 150 }
      ].map(({ height, width }) =>
        Effect.gen(function* () {
          const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i % 3 === 0 ? 200 : 20))
          const address = yield* ofPixels({ height, width, data })
          const picture = sharp(Buffer.from(address!.split(",")[1]!, "base64"))
          const raw = yield* Effect.promise(() => picture.raw().toBuffer({ resolveWithObject: true }))
          assert.closeTo(raw.data[0]!, 200, 12)
          assert.closeTo(raw.data[1]!, 20, 12)
          return [raw.info.width, raw.info.height]
        })
      )
      assert.deepStrictEqual(yield* Effect.all(sizes), [
        [20, 9],
        [64, 128]
      ])
    }).pipe(Effect.provide(SharpThumbnails.layer))
  )

  it.effect("are not made of a file that is gone, changed, torn or none", () =>
    Effect.gen(function* () {
      const bytes = yield* photo("jpeg")
      const path = yield* write("a.jpg", bytes)
      assert.isUndefined(yield* thumbnail(`${path}.gone`, digestOf(bytes)))
      assert.isUndefined(yield* thumbnail(path, "0".repeat(64)))
      const markup = new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'/>")
      assert.isUndefined(yield* thumbnail(yield* write("b.jpg", markup), digestOf(markup)))
      const torn = bytes.subarray(0, 20)
      assert.isUndefined(yield* thumbnail(yield* write("c.jpg", torn), digestOf(torn)))
    }).pipe(Effect.scoped)
  )
})
