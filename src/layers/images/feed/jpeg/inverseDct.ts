const workspace = new Int32Array(64)

const clamp = (v: number) => (v < 0 ? 0 : v > 255 ? 255 : v)

/**
 * The samples of a block from its coefficients; `last` is the place (in zigzag order) of the last that is not zero.
 *
 * Source: libjpeg's `jidctint.c` (the "islow" transform of C. Loeffler, A. Ligtenberg and G. Moschytz, 1989), to the
 * bit: 13 bits of fraction, 2 more between the two passes.
 */
export const inverseDct = (c: Int32Array, last: number, out: Uint8Array, offset: number, stride: number): void => {
  // All indices are inside: 64 coefficients, and room for the block.
  if (last === 0) {
    const value = clamp((((c[0] as number) + 4) >> 3) + 128)
    for (let y = 0, o = offset; y < 8; y++, o += stride) out.fill(value, o, o + 8)
    return
  }
  const w = workspace
  for (let pass = 0; pass < 2; pass++) {
    const from = pass === 0 ? c : w
    const step = pass === 0 ? 8 : 1
    for (let i = 0; i < 8; i++) {
      const s = pass === 0 ? i : i * 8
      const s0 = from[s] as number
      const s1 = from[s + step] as number
      const s2 = from[s + 2 * step] as number
      const s3 = from[s + 3 * step] as number
      const s4 = from[s + 4 * step] as number
      const s5 = from[s + 5 * step] as number
      const s6 = from[s + 6 * step] as number
      const s7 = from[s + 7 * step] as number
      let a0: number, a1: number, a2: number, a3: number, b0: number, b1: number, b2: number, b3: number
      if ((s1 | s2 | s3 | s4 | s5 | s6 | s7) === 0) {
        a0 = a1 = a2 = a3 = s0 << 13
        b0 = b1 = b2 = b3 = 0
      } else {
        const e = (s2 + s6) * 4433
        const e2 = e - s6 * 15137
        const e3 = e + s2 * 6270
        const e0 = (s0 + s4) << 13
        const e1 = (s0 - s4) << 13
        a0 = e0 + e3
        a3 = e0 - e3
        a1 = e1 + e2
        a2 = e1 - e2
        const z5 = (s7 + s3 + s5 + s1) * 9633
        const z1 = (s7 + s1) * -7373
        const z2 = (s5 + s3) * -20995
        const z3 = (s7 + s3) * -16069 + z5
        const z4 = (s5 + s1) * -3196 + z5
        b0 = s7 * 2446 + z1 + z3
        b1 = s5 * 16819 + z2 + z4
        b2 = s3 * 25172 + z2 + z3
        b3 = s1 * 12299 + z1 + z4
      }
      if (pass === 0) {
        w[i] = (a0 + b3 + 1024) >> 11
        w[i + 56] = (a0 - b3 + 1024) >> 11
        w[i + 8] = (a1 + b2 + 1024) >> 11
        w[i + 48] = (a1 - b2 + 1024) >> 11
        w[i + 16] = (a2 + b1 + 1024) >> 11
        w[i + 40] = (a2 - b1 + 1024) >> 11
        w[i + 24] = (a3 + b0 + 1024) >> 11
        w[i + 32] = (a3 - b0 + 1024) >> 11
      } else {
        const o = offset + i * stride
        out[o] = clamp(((a0 + b3 + 131072) >> 18) + 128)
        out[o + 7] = clamp(((a0 - b3 + 131072) >> 18) + 128)
        out[o + 1] = clamp(((a1 + b2 + 131072) >> 18) + 128)
        out[o + 6] = clamp(((a1 - b2 + 131072) >> 18) + 128)
        out[o + 2] = clamp(((a2 + b1 + 131072) >> 18) + 128)
        out[o + 5] = clamp(((a2 - b1 + 131072) >> 18) + 128)
        out[o + 3] = clamp(((a3 + b0 + 131072) >> 18) + 128)
        out[o + 4] = clamp(((a3 - b0 + 131072) >> 18) + 128)
      }
    }
  }
}
