import type { Plane } from "./Scan.ts"

const fix = (x: number) => Math.floor(x * 65536 + 0.5)
const table = (of: (x: number) => number) => Int32Array.from({ length: 256 }, (_, i) => of(i - 128))
const redOf = table((x) => (fix(1.402) * x + 32768) >> 16)
const blueOf = table((x) => (fix(1.772) * x + 32768) >> 16)
const greenOfRed = table((x) => -fix(0.71414) * x + 32768)
const greenOfBlue = table((x) => -fix(0.34414) * x)

/**
 * One row of a halved channel at full width: three quarters of the nearer sample and one of the further; `near` is the
 * row's own samples and `far` the next ones up or down (the same where only the width is halved).
 *
 * Source: libjpeg's `h2v1_fancy_upsample` and `h2v2_fancy_upsample` in `jdsample.c`, to the bit; their roundings differ.
 */
const widen = (
  plane: Plane,
  near: number,
  far: number,
  samples: number,
  out: Uint8Array,
  halvedDown: boolean
): void => {
  const { data, stride } = plane
  const n = near * stride
  const f = far * stride
  // Indices are inside: `samples` of a row.
  if (samples <= 2) {
    // Too narrow for the filter: libjpeg repeats the samples, of the nearer row alone.
    for (let x = 0; x < samples; x++) out[2 * x] = out[2 * x + 1] = data[n + x] as number
    return
  }
  const [own, other, bits, even, odd] = halvedDown ? ([3, 1, 4, 8, 7] as const) : ([1, 0, 2, 1, 2] as const)
  let before = 0
  let sum = (data[n] as number) * own + (data[f] as number) * other
  for (let x = 0; x < samples; x++) {
    const after = x + 1 < samples ? (data[n + x + 1] as number) * own + (data[f + x + 1] as number) * other : sum
    if (x === 0) before = sum
    out[2 * x] = (sum * 3 + before + even) >> bits
    out[2 * x + 1] = (sum * 3 + after + odd) >> bits
    before = sum
    sum = after
  }
}

const clamp = (v: number) => (v < 0 ? 0 : v > 255 ? 255 : v)

/** RGB rows of a picture from its planes: luma alone, or luma, blueness and redness, the latter perhaps halved. */
export const toRgb = (
  planes: ReadonlyArray<Plane>,
  size: { readonly height: number; readonly width: number },
  halved: { readonly across: boolean; readonly down: boolean }
): Uint8Array => {
  const { height, width } = size
  const out = new Uint8Array(height * width * 3)
  const [luma, blue, red] = planes
  if (luma === undefined) return out
  const samples = Math.ceil(width / 2)
  const rows = halved.down ? Math.ceil(height / 2) : height
  const wide = [new Uint8Array(2 * samples + 2), new Uint8Array(2 * samples + 2)] as const
  for (let y = 0, o = 0; y < height; y++) {
    const l = y * luma.stride
    if (blue === undefined || red === undefined) {
      for (let x = 0; x < width; x++, o += 3) out[o] = out[o + 1] = out[o + 2] = luma.data[l + x] as number // inside
      continue
    }
    let [b, bluish, r, reddish] = [y * blue.stride, blue.data, y * red.stride, red.data]
    if (halved.across) {
      const near = halved.down ? y >> 1 : y
      const far = halved.down ? Math.min(rows - 1, Math.max(0, near + (y % 2 === 0 ? -1 : 1))) : near
      widen(blue, near, far, samples, wide[0], halved.down)
      widen(red, near, far, samples, wide[1], halved.down)
      ;[b, bluish, r, reddish] = [0, wide[0], 0, wide[1]]
    }
    for (let x = 0; x < width; x++, o += 3) {
      // Indices are inside: `width` samples of a row, tables of 256.
      const v = luma.data[l + x] as number
      const cb = bluish[b + x] as number
      const cr = reddish[r + x] as number
      out[o] = clamp(v + (redOf[cr] as number))
      out[o + 1] = clamp(v + (((greenOfBlue[cb] as number) + (greenOfRed[cr] as number)) >> 16))
      out[o + 2] = clamp(v + (blueOf[cb] as number))
    }
  }
  return out
}
