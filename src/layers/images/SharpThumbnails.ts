import { Effect, Layer } from "effect"
import sharp from "sharp"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Expected } from "../../pipeline/Images.ts"
import type { Pixels } from "../../pipeline/Pixels.ts"
import { formatOf } from "../../pipeline/imageFormat.ts"
import type { PictureOf } from "../../run/report/Thumbnails.ts"
import { Thumbnails } from "../../run/report/Thumbnails.ts"
import { isChanged } from "./digest.ts"
import * as DiskImageBytes from "./DiskImageBytes.ts"

/** Pixels of the longer side of a photo: it is looked at larger, too. Of what a network sees, it is less. */
const side = { photo: 240, pixels: 128 }

const fitting = (side: number) => ({ width: side, height: side, fit: "inside", withoutEnlargement: true }) as const

const address = (webp: Buffer) => `data:image/webp;base64,${webp.toString("base64")}`

const renderPixels = async ({ data, height, width }: Pixels) => {
  const image = sharp(data, { raw: { width, height, channels: 3 } }).resize(fitting(side.pixels))
  return address(await image.webp({ quality: 80 }).toBuffer())
}

const render = async (
  bytes: Uint8Array,
  digest: Expected["digest"],
  { background: [r, g, b], maxPixels }: ImageConfig
) => {
  if (isChanged(bytes, digest) || formatOf(bytes) === undefined) return undefined
  const image = sharp(bytes, { failOn: "none", limitInputPixels: maxPixels, autoOrient: true, pages: 1 })
  // See `SharpImages`: 16-bit colours with a profile would be those of another colour space.
  if ((await image.metadata()).depth === "ushort") image.pipelineColourspace("srgb")
  const small = await image
    .flatten({ background: { r, g, b } })
    .resize(fitting(side.photo))
    .toColourspace("srgb")
    .webp({ quality: 68 })
    .toBuffer()
  return address(small)
}

/** Thumbnails by sharp of the context's `ImageBytes`, as WebP, 2 to 9 kB each. */
export const layerFromBytes = Layer.effect(
  Thumbnails,
  Effect.map(ImageBytes, (files) => ({
    of: (path: string, { digest, urls, within }: PictureOf, image: ImageConfig) =>
      files.read(path, mostBytes(image), within, urls).pipe(
        Effect.flatMap((bytes) => Effect.tryPromise(() => render(bytes, digest, image))),
        Effect.orElseSucceed(() => undefined)
      ),
    ofPixels: (pixels: Pixels) =>
      Effect.orElseSucceed(
        Effect.tryPromise(() => renderPixels(pixels)),
        () => undefined
      )
  }))
)

/** `layerFromBytes` on files of the disk. */
export const layer = Layer.provide(layerFromBytes, DiskImageBytes.layer)
