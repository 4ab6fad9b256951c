import { coefficientBits } from "./pixelRoutines.ts"

const phases = 64

/** Four coefficients for each of the 65 phases between two pixels, in 4096ths, fractions cut off. */
const coefficients = Array.from({ length: phases + 1 }, (_, phase): ReadonlyArray<number> => {
  const x = phase / phases
  const first = (1 - x) * (1 - x) * (-0.5 * x)
  const last = x * (1 - x) * (-0.5 * x)
  return [first, 1 - x - first + (last - first), x - last - (last - first), last].map((c) =>
    Math.trunc(c * (1 << coefficientBits))
  )
})

/** Where a new pixel of a row or column comes from. */
export interface Tap {
  /** The second of four neighbours; it and the others may lie outside, where the outermost pixel is repeated. */
  readonly at: number
  /** Coefficients of two neighbours each, as two 16-bit numbers in one of 32 bits. */
  readonly first: number
  readonly second: number
}

const packed = (a: number, b: number) => (a & 0xffff) | (b << 16)

/**
 * Bicubic enlargement of `from` pixels to `to`, of one axis; `shifted` where the other axis or this one is enlarged.
 *
 * Source: libvips 8.18, `affine.c` and `bicubic.cpp`, which is what sharp enlarges with, to the bit: Catmull-Rom in 64
 * phases, and half a pixel to the right and down on both axes, the one that keeps its size included.
 */
export const bicubicTaps = (from: number, to: number, shifted: boolean): ReadonlyArray<Tap> =>
  Array.from({ length: to }, (_, i) => {
    const place = shifted ? i * (from / to) - 0.5 : i
    const at = Math.floor(place)
    const phase = (Math.trunc((place - at) * 2 * phases) + 1) >> 1
    const [a, b, c, d] = coefficients[phase] as [number, number, number, number] // 65 phases, four coefficients each
    return { at, first: packed(a, b), second: packed(c, d) }
  })
