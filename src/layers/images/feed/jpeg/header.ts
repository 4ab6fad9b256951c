import { huffmanTable } from "./huffman.ts"
import type { HuffmanTable } from "./huffman.ts"

/** A colour channel of a JPEG. */
export interface Component {
  /** Samples for each of the widest and highest channel: 1, or 2 for the luma of a JPEG with halved colours. */
  readonly across: number
  readonly down: number
  readonly quantisation: Int32Array
  readonly dc: HuffmanTable
  readonly ac: HuffmanTable
}

/** A plain JPEG: baseline, 8 bits, grey or YCbCr, in one scan, upright, without a colour profile. */
export interface Jpeg {
  readonly height: number
  readonly width: number
  readonly components: ReadonlyArray<Component>
  /** Blocks of the scan between two restart markers, in MCUs; 0 for none. */
  readonly restart: number
  /** Where the scan's data begin. */
  readonly scan: number
}

/** The order in which a block's coefficients are stored: from the lowest frequency to the highest. */
export const zigzag = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63
])

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

interface Frame {
  readonly height: number
  readonly width: number
  readonly components: ReadonlyArray<{ id: number; across: number; down: number; quantisation: number }>
}

const readFrame = (bytes: Uint8Array, at: number): Frame | undefined => {
  const count = bytes[at + 5]
  if (bytes[at] !== 8 || (count !== 1 && count !== 3)) return undefined
  const byte = (i: number) => bytes[at + i] ?? 0
  const components = Array.from({ length: count }, (_, i) => ({
    id: byte(6 + i * 3),
    across: byte(7 + i * 3) >> 4,
    down: byte(7 + i * 3) & 15,
    quantisation: byte(8 + i * 3)
  }))
  const [luma, ...chroma] = components
  const plainChroma = chroma.every(({ across, down }) => across === 1 && down === 1)
  const shape = `${luma?.across}x${luma?.down}`
  if (!plainChroma || (count === 1 ? shape !== "1x1" : !["1x1", "2x1", "2x2"].includes(shape))) return undefined
  return { height: byte(1) * 256 + byte(2), width: byte(3) * 256 + byte(4), components }
}

/**
 * What a JPEG says before its scan, or undefined where it is not one of the plain ones: sharp is then asked.
 *
 * Source: ITU-T T.81, annex B; JFIF 1.02; Exif 2.3.
 */
export const readHeader = (bytes: Uint8Array): Jpeg | undefined => {
  const quantisations: Array<Int32Array | undefined> = []
  const tables: Array<HuffmanTable | undefined> = []
  let frame: Frame | undefined
  let restart = 0
  let isYcc = false
  let at = 2
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined
  while (at + 4 <= bytes.length) {
    const marker = bytes[at + 1] ?? 0
    const length = (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
    const end = at + 2 + length
    let i = at + 4
    if (bytes[at] !== 0xff || length < 2 || end > bytes.length) return undefined
    if (marker === 0xc0) {
      frame = frame === undefined ? readFrame(bytes, i) : undefined
      if (frame === undefined || length !== 8 + 3 * frame.components.length) return undefined
    } else if (marker === 0xdb) {
      while (i < end) {
        const which = bytes[i++] ?? 0
        if (which > 3 || i + 64 > end) return undefined
        const values = new Int32Array(64)
        for (const place of zigzag) values[place] = bytes[i++] ?? 0
        quantisations[which] = values
      }
    } else if (marker === 0xc4) {
      while (i < end) {
        const which = bytes[i] ?? 0
        const table = huffmanTable(bytes, i + 1, end)
        if (table === undefined || (which & 0xec) !== 0) return undefined
        // A first coefficient has 15 bits at most.
        if (which < 16 && table.symbols.some((symbol) => symbol > 15)) return undefined
        tables[which] = table
        i = table.end
      }
    } else if (marker === 0xdd && length === 4) restart = (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0)
    else if (marker === 0xe0) isYcc ||= startsWith(bytes, i, "JFIF\0")
    else if (marker === 0xe1) {
      if (startsWith(bytes, i, "Exif\0\0") && !isUpright(bytes, i + 6, end)) return undefined
    } else if (marker === 0xe2) {
      if (startsWith(bytes, i, "ICC_PROFILE")) return undefined
    } else if (marker === 0xee) {
      // 1 is YCbCr, 0 and 2 are none that are plain.
      if (!startsWith(bytes, i, "Adobe") || length < 14 || bytes[i + 11] !== 1) return undefined
      isYcc = true
    } else if (marker === 0xda) {
      if (frame === undefined || bytes[i] !== frame.components.length) return undefined
      if (length !== 6 + 2 * frame.components.length) return undefined
      // Without a marker that says so, libjpeg goes by the channels' numbers.
      if (frame.components.length === 3 && !isYcc && !frame.components.every(({ id }, i) => id === i + 1))
        return undefined
      const components: Array<Component> = []
      for (const { across, down, id, quantisation } of frame.components) {
        const which = bytes[i + 2] ?? 0
        const dc = tables[which >> 4]
        const ac = tables[16 + (which & 15)]
        const values = quantisations[quantisation]
        if (bytes[i + 1] !== id || dc === undefined || ac === undefined || values === undefined) return undefined
        components.push({ across, down, quantisation: values, dc, ac })
        i += 2
      }
      // All coefficients at once, in full.
      if (bytes[i + 1] !== 0 || bytes[i + 2] !== 63 || bytes[i + 3] !== 0) return undefined
      return { height: frame.height, width: frame.width, components, restart, scan: end }
    } else if (marker !== 0xfe && (marker < 0xe3 || marker > 0xef))
      // Neither a comment nor an application's own.
      return undefined
    at = end
  }
  return undefined
}
