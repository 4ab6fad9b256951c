/** A code of up to 16 bits for each symbol. */
export interface HuffmanTable {
  /** By the next 9 bits: the symbol and, above it, its code's length; 0 for longer codes. */
  readonly short: Uint16Array
  /** By length: the first code beyond that length's, shifted to 16 bits. */
  readonly limits: Int32Array
  /** By length: what a code is to be moved by to be the symbol's index. */
  readonly moves: Int32Array
  readonly symbols: Uint8Array
  /** Where the table ends in the file. */
  readonly end: number
}

export const shortBits = 9

/** Reads a table; undefined where it makes no sense. Source: ITU-T T.81, annex C. */
export const huffmanTable = (bytes: Uint8Array, at: number, end: number): HuffmanTable | undefined => {
  const counts = bytes.subarray(at, at + 16)
  const total = counts.reduce((sum, n) => sum + n, 0)
  if (at + 16 + total > end || total > 256) return undefined
  const symbols = bytes.slice(at + 16, at + 16 + total)
  const short = new Uint16Array(1 << shortBits)
  const limits = new Int32Array(18)
  const moves = new Int32Array(18)
  let code = 0
  let index = 0
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1] ?? 0
    if (code + count > 1 << length) return undefined
    moves[length] = index - code
    for (let i = 0; i < count; i++, code++, index++) {
      if (length > shortBits) continue
      const first = code << (shortBits - length)
      short.fill((length << 8) | (symbols[index] ?? 0), first, first + (1 << (shortBits - length)))
    }
    limits[length] = code << (16 - length)
    code <<= 1
  }
  return { short, limits, moves, symbols, end: at + 16 + total }
}
