import type { Matrix } from "./Products.ts"

/** Where the header's text begins. */
const begin = 10

/**
 * What stands before the numbers in NumPy's file of one array, for a matrix of little-endian float32, row by row. Its
 * length is the same for any numbers of rows and columns: a file may be written before its rows are counted.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
 */
export const npyHeader = (rows: number, columns: number): Uint8Array<ArrayBuffer> => {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`
  // The numbers begin at a multiple of 64 bytes, and a line end stands before them. The text has 64 to 117 characters.
  const header = `${text.padEnd(128 - begin - 1)}\n`
  const bytes = new Uint8Array(begin + header.length)
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0])
  new DataView(bytes.buffer).setUint16(8, header.length, true)
  bytes.set(new TextEncoder().encode(header), begin)
  return bytes
}

/** A matrix as NumPy's file of one array. */
export const encodeNpy = ({ columns, data, rows }: Matrix): Uint8Array<ArrayBuffer> => {
  const header = npyHeader(rows, columns)
  const bytes = new Uint8Array(header.length + data.byteLength)
  bytes.set(header)
  // The platforms that Weft runs on are little-endian.
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length)
  return bytes
}
