/** The kinds of image file that are read. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "heif"

const begins = (bytes: Uint8Array, at: number, ...values: ReadonlyArray<number>) =>
  values.every((value, i) => bytes[at + i] === value)

const ascii = (text: string) => Array.from(text, (c) => c.charCodeAt(0))

/**
 * The format of a file by its first bytes; undefined where it is not a supported image.
 *
 * Source: each format's own specification of its signature.
 */
export const formatOf = (bytes: Uint8Array): ImageFormat | undefined => {
  // Decoders of JPEG look for the first segment's 0xff behind it, past any stray bytes.
  if (begins(bytes, 0, 0xff, 0xd8)) return "jpeg"
  if (begins(bytes, 0, 0x89, ...ascii("PNG"), 0x0d, 0x0a, 0x1a, 0x0a)) return "png"
  if (begins(bytes, 0, ...ascii("RIFF")) && begins(bytes, 8, ...ascii("WEBP"))) return "webp"
  if (begins(bytes, 0, ...ascii("GIF8"))) return "gif"
  // Little and big endian, each as classic TIFF (42) and BigTIFF (43).
  if (begins(bytes, 0, 0x49, 0x49, 0x2a, 0) || begins(bytes, 0, 0x49, 0x49, 0x2b, 0)) return "tiff"
  if (begins(bytes, 0, 0x4d, 0x4d, 0, 0x2a) || begins(bytes, 0, 0x4d, 0x4d, 0, 0x2b)) return "tiff"
  // AVIF and HEIC share a container; which of the two it is shows only when it is decoded.
  if (begins(bytes, 4, ...ascii("ftyp"))) return "heif"
  return undefined
}
