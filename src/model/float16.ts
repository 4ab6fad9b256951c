const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/**
 * The bits of a number in half precision (IEEE 754 binary16): the nearest one, at ties the even one; beyond 65,504 it is
 * infinite. `Float16Array` is not in Node 22.
 */
export const halfOf = (value: number): number => {
  single[0] = value
  const all = bits[0] ?? 0
  const sign = (all >>> 16) & 0x8000
  const magnitude = all & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00 // from 2^16 on
  // What is too small for a normal number is a whole multiple of 2^-24, which has 24 bits in double precision.
  if (magnitude < 0x38800000) {
    const units = Math.abs(value) * 2 ** 24
    const below = Math.floor(units)
    const rest = units - below
    return sign | (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below)
  }
  // 13 bits of the fraction are dropped. To round to the nearest, at ties to even, half of their range is added first,
  // less one where the last bit that stays is 0.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/** Numbers in half precision; undefined where one of them is too large for it. */
export const halves = (values: Float32Array): Uint16Array<ArrayBuffer> | undefined => {
  const found = new Uint16Array(values.length)
  for (const [i, value] of values.entries()) {
    const half = halfOf(value)
    if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value)) return undefined
    found[i] = half
  }
  return found
}
