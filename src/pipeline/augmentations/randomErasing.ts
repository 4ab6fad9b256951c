import { Schema } from "effect"
import { between, optionalSetting, setting, Share } from "../../config/Setting.ts"
import { fmix32 } from "../draw.ts"
import type { Draw } from "../draw.ts"
import type { Pixels } from "../Pixels.ts"
import { augmentation } from "./Augmentation.ts"

/** A rectangle of pixels. */
interface Rectangle {
  readonly left: number
  readonly top: number
  readonly height: number
  readonly width: number
}

/** How often a rectangle that does not fit into the image is drawn again, before the image is left as it is. */
const attempts = 100

/** A rectangle of a share of the image's area and an aspect ratio, both uniform; undefined where none fitted. */
const rectangleIn = (
  { height, width }: Pick<Pixels, "height" | "width">,
  { most, least, ratio }: typeof RandomErasing.Type,
  random: Draw
): Rectangle | undefined => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = random.between(Math.min(least, most), most) * height * width
    const aspect = random.between(ratio, 1 / ratio)
    const size = { height: Math.round(Math.sqrt(area * aspect)), width: Math.round(Math.sqrt(area / aspect)) }
    const isThere = size.height > 0 && size.width > 0
    if (isThere && size.height < height && size.width < width)
      return { ...size, left: random.below(width - size.width + 1), top: random.below(height - size.height + 1) }
  }
  return undefined
}

/** Every value of a rectangle replaced by a random one. */
const erase = ({ data, height, width }: Pixels, hole: Rectangle, random: Draw): Pixels => {
  const out = data.slice()
  const key = Math.floor(random.next() * 4294967296)
  for (let y = hole.top; y < hole.top + hole.height; y++)
    for (let x = hole.left; x < hole.left + hole.width; x++) {
      const at = (y * width + x) * 3
      // Three of a hash's four bytes: a hash of a counter is quicker than a draw for each value.
      const bits = fmix32(key + Math.imul(at, 0x9e3779b9))
      out[at] = bits
      out[at + 1] = bits >>> 8
      out[at + 2] = bits >>> 16
    }
  return { height, width, data: out }
}

const RandomErasing = Schema.Struct({
  probability: setting(Share, 0.5, "Share of the images in which a rectangle is erased"),
  least: setting(between(0.001, 1), 0.02, "Smallest area of the rectangle, as a share of the image's"),
  most: setting(between(0.001, 1), 0.4, "Largest area of the rectangle, as a share of the image's"),
  ratio: setting(between(0.01, 1), 0.3, "Smallest height over width of the rectangle; the largest is 1 over this")
})

/**
 * Random erasing: a rectangle of the image becomes noise.
 *
 * Source: Zhong et al., Random Erasing Data Augmentation, 2017, with its defaults and its random values (RE-R).
 */
export const randomErasing = augmentation({
  settings: {
    erasing: optionalSetting(
      RandomErasing,
      "Random erasing: a rectangle of the image becomes noise; off where left out"
    )
  },
  changes: ({ erasing }, drawOf) => erasing !== undefined && drawOf("erasing").next() < erasing.probability,
  change: (pixels, { erasing }, drawOf) => {
    const random = drawOf("erasing")
    random.next() // the draw that decided whether this image is erased
    const hole = erasing && rectangleIn(pixels, erasing, random)
    return hole === undefined ? pixels : erase(pixels, hole, random)
  }
})
