/** What a plain JPEG's header says. */
export interface PlainJpeg {
  readonly height: number
  readonly width: number
  /** 1 for greyscale, 3 for colour. */
  readonly channels: number
}

const startsWith = (bytes: Uint8Array, at: number, text: string) => {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether an Exif segment says nothing of an orientation, or that the picture is upright. */
const isUpright = (bytes: Uint8Array, start: number, end: number): boolean => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start)
  if (view.byteLength < 14) return false
  const little = view.getUint16(0) === 0x4949
  const entries = view.getUint32(4, little)
  if (entries + 2 > view.byteLength) return false
  const count = view.getUint16(entries, little)
  if (entries + 2 + count * 12 > view.byteLength) return false
  for (let i = 0; i < count; i++) {
    const entry = entries + 2 + i * 12
    if (view.getUint16(entry, little) === 0x0112 && view.getUint16(entry + 8, little) !== 1) return false
  }
  return true
}

/**
 * A plain JPEG: baseline, 8 bits, grey or colour, in one scan, upright, without a colour profile, and with one of the
 * three usual ways to halve the colours. Its pixels are the same from every libjpeg. Undefined for all others.
 *
 * Source: ITU-T T.81, annex B; Exif 2.3.
 */
export const plainJpeg = (bytes: Uint8Array): PlainJpeg | undefined => {
  let frame: PlainJpeg | undefined
  let at = 2
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined
  while (at + 4 <= bytes.length) {
    const marker = bytes[at + 1] ?? 0
    const length = (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
    const end = at + 2 + length
    const body = at + 4
    if (bytes[at] !== 0xff || length < 2 || end > bytes.length) return undefined
    if (marker === 0xc0) {
      if (frame !== undefined) return undefined
      frame = plainFrame(bytes, body, length)
      if (frame === undefined) return undefined
    } else if (marker === 0xdb) {
      if (!hasByteSteps(bytes, body, end)) return undefined
    } else if (marker === 0xc4) {
      if (!hasUsualSizes(bytes, body, end)) return undefined
    } else if (marker === 0xe1) {
      if (startsWith(bytes, body, "Exif\0") && !isUpright(bytes, body + 6, end)) return undefined
    } else if (marker === 0xe2) {
      if (startsWith(bytes, body, "ICC_PROFILE")) return undefined
    } else if (marker === 0xda) {
      // One scan with all channels: what follows is their data, up to the end of the picture.
      return frame !== undefined && bytes[body] === frame.channels ? frame : undefined
    } else if (marker !== 0xdd && marker !== 0xfe && (marker & 0xf0) !== 0xe0)
      // Neither a restart interval nor a comment nor an application's own.
      return undefined
    at = end
  }
  return undefined
}

/** Whether quantisation steps have 8 bits each. */
const hasByteSteps = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = start; i < end; i += 65) if ((bytes[i] ?? 0) > 3) return false
  return true
}

/** Whether Huffman tables name no coefficient with more bits than 8-bit samples can have (T.81, tables F.1 and F.2). */
const hasUsualSizes = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = start
  while (at + 17 <= end) {
    const most = (bytes[at] ?? 0) < 16 ? 11 : 10
    let total = 0
    for (let i = 1; i <= 16; i++) total += bytes[at + i] ?? 0
    at += 17
    for (const last = at + total; at < last; at++) if (((bytes[at] ?? 0) & 15) > most) return false
  }
  return true
}

const plainFrame = (bytes: Uint8Array, at: number, length: number): PlainJpeg | undefined => {
  const channels = bytes[at + 5]
  if (bytes[at] !== 8 || (channels !== 1 && channels !== 3) || length !== 8 + 3 * channels) return undefined
  const byte = (i: number) => bytes[at + i] ?? 0
  const [first, ...others] = Array.from({ length: channels }, (_, i) => byte(7 + i * 3))
  if (others.some((sampling) => sampling !== 0x11)) return undefined
  if (first !== 0x11 && (channels === 1 || (first !== 0x21 && first !== 0x22))) return undefined
  const [height, width] = [byte(1) * 256 + byte(2), byte(3) * 256 + byte(4)]
  return height === 0 || width === 0 ? undefined : { height, width, channels }
}
