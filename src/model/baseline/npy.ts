import type { Matrix } from "./Products.ts"

/**
 * A matrix as NumPy's file of one array, little-endian float32, row by row.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
 */
export const encodeNpy = ({ columns, data, rows }: Matrix): Uint8Array<ArrayBuffer> => {
  const begin = 10
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`
  // The numbers begin at a multiple of 64 bytes, and a line end stands before them.
  const header = `${text.padEnd(Math.ceil((begin + text.length + 1) / 64) * 64 - begin - 1)}\n`
  const bytes = new Uint8Array(begin + header.length + 4 * data.length)
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0])
  new DataView(bytes.buffer).setUint16(8, header.length, true)
  bytes.set(new TextEncoder().encode(header), begin)
  // The platforms that Weft runs on are little-endian.
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin + header.length)
  return bytes
}
