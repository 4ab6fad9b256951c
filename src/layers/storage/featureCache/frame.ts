import { crc32 } from "node:zlib"
import type { FeatureSpace } from "../../../model/FeatureSpace.ts"

/**
 * Rows that were written together: a header (`magic`, rows, numbers in a row, checksum), the rows' keys (32 bytes each),
 * the rows' checksums, the rows; all little-endian. The header's checksum covers the space's digest, the keys and the
 * rows' checksums, so that no byte can change, nor a frame come from another space, unnoticed.
 */
export interface FrameHeader {
  readonly keys: ReadonlyArray<string>
  readonly checksums: ReadonlyArray<number>
  /** Where the rows begin, in bytes from the frame's own beginning. */
  readonly start: number
  /** The whole frame's bytes. */
  readonly size: number
}

const magic = 0x31544657 // "WFT1"
const keySize = 32

/** Bytes of a header before its keys. */
export const fixedSize = 16

/** Bytes of a header with its keys and checksums. */
const headerSize = (rows: number) => fixedSize + rows * (keySize + 4)

/** Bytes of a frame of so many rows. */
export const frameSize = (rows: number, { length }: FeatureSpace) => headerSize(rows) + rows * length * 4

const bytesOf = ({ buffer, byteLength, byteOffset }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength)

/** The checksum of a row's bytes. Any change of up to 32 bits in a row is seen, others but for one in four billion. */
export const rowChecksum = (bytes: Uint8Array): number => crc32(bytes)

const headerChecksum = (header: Buffer, { digest }: FeatureSpace) =>
  crc32(header.subarray(fixedSize), crc32(header.subarray(0, 12), crc32(digest)))

/** A sample's features. */
export interface Row {
  readonly key: string
  readonly features: Float32Array
}

/** The frame of some rows. */
export const encodeFrame = (space: FeatureSpace, rows: ReadonlyArray<Row>): Buffer => {
  const start = headerSize(rows.length)
  const frame = Buffer.alloc(frameSize(rows.length, space))
  frame.writeUInt32LE(magic, 0)
  frame.writeUInt32LE(rows.length, 4)
  frame.writeUInt32LE(space.length, 8)
  for (const [i, { features, key }] of rows.entries()) {
    const bytes = bytesOf(features)
    frame.write(key, fixedSize + i * keySize, "hex")
    frame.writeUInt32LE(rowChecksum(bytes), fixedSize + rows.length * keySize + i * 4)
    bytes.copy(frame, start + i * space.length * 4)
  }
  frame.writeUInt32LE(headerChecksum(frame.subarray(0, start), space), 12)
  return frame
}

/** How long a header is, out of its first `fixedSize` bytes; undefined where none begins here. */
export const headerSizeOf = (fixed: Buffer, space: FeatureSpace): number | undefined =>
  fixed.length >= fixedSize && fixed.readUInt32LE(0) === magic && fixed.readUInt32LE(8) === space.length
    ? headerSize(fixed.readUInt32LE(4))
    : undefined

/** A header out of its bytes; undefined where they are not those that were written. */
export const decodeHeader = (header: Buffer, space: FeatureSpace): FrameHeader | undefined => {
  if (header.readUInt32LE(12) !== headerChecksum(header, space)) return undefined
  const rows = header.readUInt32LE(4)
  const places = Array.from({ length: rows }, (_, i) => i)
  return {
    keys: places.map((i) => header.toString("hex", fixedSize + i * keySize, fixedSize + (i + 1) * keySize)),
    checksums: places.map((i) => header.readUInt32LE(fixedSize + rows * keySize + i * 4)),
    start: headerSize(rows),
    size: frameSize(rows, space)
  }
}
