import type { ImageConfig } from "./ImageConfig.ts"

/** What each of the 256 values becomes, for the three channels one after the other. */
export type Scale = Float32Array

/**
 * (v / 255 - mean) / std for every value of every channel, each step rounded to 32 bits; 0.5 where neither is given.
 *
 * Source: torchvision's `to_dtype(scale=True)` and `normalize`, which give the same bits.
 */
export const scaleOf = (config: Pick<ImageConfig, "mean" | "std">): Scale => {
  const scale = new Float32Array(3 * 256)
  for (let channel = 0; channel < 3; channel++) {
    const mean = Math.fround(config.mean?.[channel] ?? 0.5)
    const std = Math.fround(config.std?.[channel] ?? 0.5)
    for (let v = 0; v < 256; v++) scale[channel * 256 + v] = Math.fround(Math.fround(Math.fround(v / 255) - mean) / std)
  }
  return scale
}

/** Writes 8-bit RGB as normalised numbers into `out`, from `offset` on. */
export const normaliseInto = (out: Float32Array, offset: number, rgb: Uint8Array, scale: Scale): void => {
  for (let i = 0, o = offset; i + 2 < rgb.length; i += 3, o += 3) {
    // Indices are inside by construction: a byte is below 256, and `scale` has 3 * 256 values.
    out[o] = scale[rgb[i] as number] as number
    out[o + 1] = scale[256 + (rgb[i + 1] as number)] as number
    out[o + 2] = scale[512 + (rgb[i + 2] as number)] as number
  }
}
