import { Effect, Layer } from "effect"
import sharp from "sharp"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Expected } from "../../pipeline/Images.ts"
import { formatOf } from "../../pipeline/imageFormat.ts"
import type { PictureOf } from "../../run/report/Thumbnails.ts"
import { Thumbnails } from "../../run/report/Thumbnails.ts"
import { isChanged } from "./digest.ts"
import * as DiskImageBytes from "./DiskImageBytes.ts"

/** Pixels of the longer side: sharp enough at the 72 or so at which a page shows it. */
const side = 96

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
    .resize({ width: side, height: side, fit: "inside" })
    .toColourspace("srgb")
    .webp({ quality: 68 })
    .toBuffer()
  return `data:image/webp;base64,${small.toString("base64")}`
}

/** Thumbnails by sharp of the context's `ImageBytes`, as WebP, about 2 kB each. */
export const layerFromBytes = Layer.effect(
  Thumbnails,
  Effect.map(ImageBytes, (files) => ({
    of: (path: string, { digest, urls, within }: PictureOf, image: ImageConfig) =>
      files.read(path, mostBytes(image), within, urls).pipe(
        Effect.flatMap((bytes) => Effect.tryPromise(() => render(bytes, digest, image))),
        Effect.orElseSucceed(() => undefined)
      )
  }))
)

/** `layerFromBytes` on files of the disk. */
export const layer = Layer.provide(layerFromBytes, DiskImageBytes.layer)
