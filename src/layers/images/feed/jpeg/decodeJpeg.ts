import type { Pixels } from "../../../../pipeline/Pixels.ts"
import { toRgb } from "./colours.ts"
import { readHeader } from "./header.ts"
import { decodeScan } from "./Scan.ts"

/** A decoded JPEG, and what a check says of it. */
interface Decoded {
  readonly pixels: Pixels
  readonly facts: { readonly height: number; readonly width: number; readonly channels: number }
}

/**
 * The pixels of a plain, whole JPEG of at most `height` x `width`, the same bytes as sharp's (libjpeg-turbo), several
 * times as quick for small ones: without a thread, a pipeline and a promise for each.
 *
 * Undefined for everything else, and where anything is out of the ordinary: sharp then decodes or refuses.
 */
export const decodeJpeg = (
  bytes: Uint8Array,
  most: { readonly height: number; readonly width: number },
  maxPixels: number
): Decoded | undefined => {
  const jpeg = readHeader(bytes)
  if (jpeg === undefined || jpeg.height > most.height || jpeg.width > most.width) return undefined
  const { components, height, width } = jpeg
  if (height === 0 || width === 0 || height * width > maxPixels) return undefined
  const planes = decodeScan(bytes, jpeg)
  if (planes === undefined) return undefined
  const halved = { across: components[0]?.across === 2, down: components[0]?.down === 2 }
  const facts = { height, width, channels: components.length }
  return { facts, pixels: { height, width, data: toRgb(planes, jpeg, halved) } }
}
