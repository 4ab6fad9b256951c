import { crc32 } from "node:zlib"
import type { ImageFormat } from "../../pipeline/imageFormat.ts"

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Four letters of a chunk's or box's type; anything else that stands there is not for a person to read. */
const typeAt = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + 4)).replace(/[^A-Za-z0-9]/g, "?")

const endsInside = (what: string) => `the file ends inside ${what}`

/** Source: PNG (third edition), 5: length, type, data and a CRC of type and data. */
const pngDamage = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes)
  let at = 8
  while (at + 8 <= bytes.length) {
    const end = at + 12 + view.getUint32(at)
    const type = typeAt(bytes, at + 4)
    if (end > bytes.length) return endsInside(`its ${type} chunk at byte ${at}`)
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      return `the checksum of its ${type} chunk at byte ${at} is wrong`
    if (type === "IEND") return undefined
    at = end
  }
  return "the file ends before its IEND chunk"
}

/** Source: WebP container specification: RIFF, and the size of all that follows. */
const webpDamage = (bytes: Uint8Array): string | undefined => {
  const size = viewOf(bytes).getUint32(4, true) + 8
  return size > bytes.length ? `the file ends early: it has ${bytes.length} bytes of ${size}` : undefined
}

/** Source: GIF89a, 27: the trailer is the last byte. */
const gifDamage = (bytes: Uint8Array): string | undefined =>
  bytes.includes(0x3b, 13) ? undefined : "the file ends before its last block"

/** Source: TIFF 6.0, section 2. */
const tiffDamage = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes)
  const little = bytes[0] === 0x49
  if (bytes.length < 8) return endsInside("its header")
  // BigTIFF has offsets of eight bytes: of that, only that it cannot be decoded is told.
  if (view.getUint16(2, little) !== 42) return undefined
  const directory = view.getUint32(4, little)
  if (directory + 2 > bytes.length) return "the file ends before its directory"
  return directory + 2 + view.getUint16(directory, little) * 12 > bytes.length ? endsInside("its directory") : undefined
}

/** Source: ISO/IEC 14496-12, 4.2: boxes of a size and a type, one after the other. */
const heifDamage = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes)
  let at = 0
  while (at + 8 <= bytes.length) {
    const short = view.getUint32(at)
    const size = short === 1 && at + 16 <= bytes.length ? Number(view.getBigUint64(at + 8)) : short
    // 0: up to the file's end.
    if (size === 0) return undefined
    if (size < 8) return `its ${typeAt(bytes, at + 4)} box at byte ${at} has an impossible size`
    if (at + size > bytes.length) return endsInside(`its ${typeAt(bytes, at + 4)} box at byte ${at}`)
    at += size
  }
  return undefined
}

/**
 * What is wrong with a file that cannot be decoded, from its own bytes alone, so that it is the same on every run; or
 * undefined where its frame is whole and the fault lies in its compressed data. (libvips has one buffer of messages for
 * all threads of a process: what it says of one file may be about another. JPEGs are told by `JpegTurbo`.)
 */
export const damageOf = (format: Exclude<ImageFormat, "jpeg">, bytes: Uint8Array): string | undefined => {
  switch (format) {
    case "png":
      return pngDamage(bytes)
    case "webp":
      return bytes.length < 12 ? endsInside("its header") : webpDamage(bytes)
    case "gif":
      return gifDamage(bytes)
    case "tiff":
      return tiffDamage(bytes)
    case "heif":
      return heifDamage(bytes)
  }
}
