import { elementAt } from "../../../pipeline/elementAt.ts"

/** CRC-32C of each byte: Castagnoli's polynomial, bits reversed. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** The CRC-32C of bytes, from 0 to 2^32 - 1. Source: RFC 3720, appendix B.4. */
export const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ elementAt(table, (crc ^ byte) & 0xff)
  return (crc ^ 0xffffffff) >>> 0
}

/** TensorFlow stores checksums rotated and shifted, so that a checksum of data that contain checksums is still good. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/**
 * A record of a TFRecord file: its length (8 bytes), that one's checksum (4), the data, theirs (4), all little-endian.
 *
 * Source: TensorFlow's guide "TFRecord and tf.train.Example", section "TFRecords format details".
 */
export const record = (data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(data.length + 16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, masked(bytes.subarray(0, 8)), true)
  bytes.set(data, 12)
  view.setUint32(12 + data.length, masked(data), true)
  return bytes
}
