import { binary, simd, unsigned } from "../../webassembly/assemble.ts"
import type { Code } from "../../webassembly/assemble.ts"

// What the pixel routines need beside the instructions of `assemble.ts`. Source: the WebAssembly SIMD proposal.

export const shiftLeft = binary([0x74])
export const shiftRight = binary([0x75])
export const and = binary([0x71])

const loader =
  (opcode: Code) =>
  (address: Code, offset = 0): Code => [address, opcode, 0, ...unsigned(offset)]
const storer =
  (opcode: Code) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, 0, ...unsigned(offset)]

export const loadByte = loader([0x2d])
export const loadInt = loader([0x28])
export const loadFloat = loader([0x2a])
export const storeFloat = storer([0x38])
/** A 32-bit number from memory, four times. */
export const loadFour = loader(simd(0x09))
/** Eight bytes from memory, and eight zeros. */
export const loadHalf = loader(simd(0x5d))
/** The first eight bytes to memory. */
export const storeHalf = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  simd(0x5b),
  0,
  ...unsigned(offset),
  0
]

/** Sixteen of the thirty-two bytes of a and b. */
export const shuffle = (a: Code, b: Code, bytes: ReadonlyArray<number>): Code => [a, b, simd(0x0d), bytes]
/** One 32-bit number, four times. */
export const four = (a: Code): Code => [a, simd(0x11)]
/** Products of eight pairs of 16-bit numbers, added two by two. */
export const dot = binary(simd(0xba))
export const addFour = binary(simd(0xae))
export const subFour = binary(simd(0xb1))
export const mulFour = binary(simd(0xb5))
export const shiftFourLeft = binary(simd(0xab))
export const shiftFourRight = binary(simd(0xac))
/** Two times four 32-bit numbers to eight of 16 bits, cut at their bounds. */
export const narrowToShorts = binary(simd(0x85))
/** Two times eight 16-bit numbers to sixteen bytes, cut at 0 and 255. */
export const narrowToBytes = binary(simd(0x66))
