import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import sharp from "sharp"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Expected } from "../../pipeline/Images.ts"
import { formatOf } from "../../pipeline/imageFormat.ts"
import { Thumbnails } from "../../run/report/Thumbnails.ts"
import { readInside } from "./readInside.ts"

/** Pixels of the longer side: sharp enough at the 72 or so at which a page shows it. */
const side = 96

const render = async (
  path: string,
  { digest, within }: Required<Expected>,
  { background: [r, g, b], maxPixels }: ImageConfig
) => {
  const bytes = await readInside(path, within)
  if (createHash("sha256").update(bytes).digest("hex") !== digest || formatOf(bytes) === undefined) return undefined
  const small = await sharp(bytes, { failOn: "none", limitInputPixels: maxPixels, autoOrient: true, pages: 1 })
    .flatten({ background: { r, g, b } })
    .resize({ width: side, height: side, fit: "inside" })
    .toColourspace("srgb")
    .webp({ quality: 68 })
    .toBuffer()
  return `data:image/webp;base64,${small.toString("base64")}`
}

/** Thumbnails by sharp, as WebP, about 2 kB each. */
export const layer = Layer.succeed(Thumbnails, {
  of: (path, expected, image) =>
    Effect.orElseSucceed(
      Effect.tryPromise(() => render(path, expected, image)),
      () => undefined
    )
})
