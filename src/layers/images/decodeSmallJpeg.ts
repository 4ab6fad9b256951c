import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { Pixels } from "../../pipeline/Pixels.ts"
import { usualKernel } from "../../pipeline/resizeKernel.ts"
import { JpegTurbo } from "./JpegTurbo.ts"
import { plainJpeg } from "./plainJpeg.ts"

/** Decodes JPEGs in this thread; each thread has its own. */
export const turbo = new JpegTurbo()

/**
 * The pixels of a plain JPEG that is nowhere larger than the configured size, as they are in the file, where nothing is
 * cut off or padded, and the kernel is the usual one; decoded in this thread, several times as fast as by sharp, to the same bytes. Undefined for all
 * other files, and where libjpeg has anything to say.
 */
export const decodeSmallJpeg = (bytes: Uint8Array, config: ImageConfig): Pixels | undefined => {
  // What is smaller than the configured size is enlarged by the feed itself, which has that kernel alone.
  if (config.fit !== "fill" || (config.kernel ?? usualKernel) !== "cubic") return undefined
  const plain = plainJpeg(bytes)
  if (plain === undefined || plain.height > config.height || plain.width > config.width) return undefined
  if (plain.height * plain.width > config.maxPixels) return undefined
  const found = turbo.decode(bytes)
  return "data" in found ? found : undefined
}
