import { between, setting } from "../../config/Setting.ts"
import { fmix32 } from "../draw.ts"
import type { Draw } from "../draw.ts"
import type { Pixels } from "../Pixels.ts"
import { augmentation } from "./Augmentation.ts"

const bins = 4096

/**
 * The standard normal's quantile, to 1e-9 or better in the range used here.
 *
 * Source: P. J. Acklam's rational approximation, 2003 (relative error below 1.15e-9).
 */
const quantile = (p: number): number => {
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716]
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572]
  const c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968]
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416]
  const horner = (values: ReadonlyArray<number>, x: number) => values.reduce((sum, value) => sum * x + value, 0)
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p))
    return horner([...c, 2.938163982698783], q) / horner([...d, 1], q)
  }
  if (p > 1 - 0.02425) return -quantile(1 - p)
  const q = p - 0.5
  const r = q * q
  return (horner([...a, 2.506628277459239], r) * q) / horner([...b, 1], r)
}

/** The middles of 4,096 equally likely slices of the normal distribution, brought to a variance of 1. */
const normals = (() => {
  const values = Float64Array.from({ length: bins }, (_, i) => quantile((i + 0.5) / bins))
  const scale = Math.sqrt(bins / values.reduce((sum, v) => sum + v * v, 0))
  return values.map((v) => v * scale)
})()

/**
 * Gaussian noise on every channel of every pixel; `sigma` is its standard deviation in levels (0 to 255).
 *
 * Two values from each hash of a counter, by a table: several times as quick as a logarithm and a root for each, and no
 * difference can be seen after the rounding to whole levels.
 */
export const addNoise = ({ data, height, width }: Pixels, sigma: number, draw: Draw): Pixels => {
  const key = Math.floor(draw.next() * 4294967296)
  const scaled = normals.map((v) => v * sigma)
  // Rounds, and cuts at 0 and 255.
  const out = new Uint8ClampedArray(data.length)
  for (let i = 0; i < data.length; i += 2) {
    const bits = fmix32(key + Math.imul(i, 0x9e3779b9))
    // Indices are inside by construction; what is written past an odd end is dropped.
    out[i] = (data[i] as number) + (scaled[bits >>> 20] as number)
    out[i + 1] = (data[i + 1] as number) + (scaled[bits & 4095] as number)
  }
  return { height, width, data: new Uint8Array(out.buffer) }
}

/** Gaussian noise. */
export const gaussianNoise = augmentation({
  settings: {
    noise: setting(between(0, 1), 0, "Standard deviation of Gaussian noise, as a share of the full scale")
  },
  changes: ({ noise }) => noise !== 0,
  change: (pixels, { noise }, drawOf) => addNoise(pixels, noise * 255, drawOf("noise"))
})
