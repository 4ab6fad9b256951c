import { between, setting, Share } from "../../config/Setting.ts"
import type { Pixels } from "../Pixels.ts"
import { augmentation } from "./Augmentation.ts"

/** How an image's colours are changed; 1, 1, 1 and 0 change nothing. */
export interface Jitter {
  /** Factor of every channel. */
  readonly brightness: number
  /** Factor of the distance to the image's mean grey. */
  readonly contrast: number
  /** Factor of the distance to the pixel's own grey. */
  readonly saturation: number
  /** Turn of the hue, as a share of the colour circle, from -0.5 to 0.5. */
  readonly hue: number
}

const clamp = (v: number) => (v < 0 ? 0 : v > 255 ? 255 : v)

/** ITU-R 601-2 luma, as Pillow and torchvision have it. */
const grey = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b

/** Brightness, then contrast: what each of the 256 values becomes, and that of two channels alike. */
const tone = (data: Uint8Array, brightness: number, contrast: number): Float64Array => {
  const table = Float64Array.from({ length: 256 }, (_, v) => clamp(v * brightness))
  if (contrast === 1) return table
  let sum = 0
  for (let i = 0; i + 2 < data.length; i += 3)
    // Indices are inside by construction: a byte is below 256.
    sum += grey(
      table[data[i] as number] as number,
      table[data[i + 1] as number] as number,
      table[data[i + 2] as number] as number
    )
  const mean = sum / (data.length / 3)
  return table.map((v) => clamp(mean + contrast * (v - mean)))
}

/**
 * Brightness, contrast, saturation and hue, in this order, each cut to 0..255, rounded once at the end.
 *
 * Source: torchvision's `ColorJitter` with its operations in the order of their names there; torchvision cuts fractions
 * off after each one, so that it is up to a level darker a step. Hue: as its `adjust_hue`, through HSV.
 */
export const jitterColours = ({ data, height, width }: Pixels, jitter: Jitter): Pixels => {
  const table = tone(data, jitter.brightness, jitter.contrast)
  const out = new Uint8Array(data.length)
  const { hue, saturation } = jitter
  if (saturation === 1 && hue === 0) {
    const rounded = Uint8Array.from(table, (v) => v + 0.5)
    for (let i = 0; i < data.length; i++) out[i] = rounded[data[i] as number] as number
    return { height, width, data: out }
  }
  // Rounds, and cuts at 0 and 255.
  const clamped = new Uint8ClampedArray(out.buffer)
  for (let i = 0; i + 2 < data.length; i += 3) {
    let r = table[data[i] as number] as number
    let g = table[data[i + 1] as number] as number
    let b = table[data[i + 2] as number] as number
    if (saturation !== 1) {
      const luma = grey(r, g, b)
      r = clamp(luma + saturation * (r - luma))
      g = clamp(luma + saturation * (g - luma))
      b = clamp(luma + saturation * (b - luma))
    }
    if (hue !== 0) {
      // To HSV and back, with the brightest and the darkest channel kept; h in sixths of the circle.
      const high = r > g ? (r > b ? r : b) : g > b ? g : b
      const low = r < g ? (r < b ? r : b) : g < b ? g : b
      const chroma = high - low
      if (chroma > 0) {
        let h = hue * 6 + (high === r ? (g - b) / chroma : high === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma)
        if (h < 0) h += 6
        else if (h >= 6) h -= 6
        const sector = h | 0
        const rest = chroma * (h - sector)
        const falling = high - rest
        const rising = low + rest
        // A tiny negative hue may round to 6, which is 0 again.
        r = sector === 0 || sector >= 5 ? high : sector === 1 ? falling : sector === 4 ? rising : low
        g = sector === 1 || sector === 2 ? high : sector === 0 ? rising : sector === 3 ? falling : low
        b = sector === 3 || sector === 4 ? high : sector === 2 ? rising : sector === 5 ? falling : low
      }
    }
    clamped[i] = r
    clamped[i + 1] = g
    clamped[i + 2] = b
  }
  return { height, width, data: out }
}

/** Brightness, contrast, saturation and hue, each by a random amount, in one pass. */
export const colourJitter = augmentation({
  settings: {
    brightness: setting(Share, 0, "Brightness times 1 ± up to this"),
    contrast: setting(Share, 0, "Contrast times 1 ± up to this, about the image's mean grey"),
    saturation: setting(Share, 0, "Saturation times 1 ± up to this"),
    hue: setting(between(0, 0.5), 0, "Hue moved by up to this share of the colour circle, either way")
  },
  changes: ({ brightness, contrast, hue, saturation }) =>
    brightness !== 0 || contrast !== 0 || saturation !== 0 || hue !== 0,
  change: (pixels, { brightness, contrast, hue, saturation }, drawOf) => {
    const around = (middle: number, operation: string, strength: number) =>
      strength === 0 ? middle : drawOf(operation).between(middle - strength, middle + strength)
    return jitterColours(pixels, {
      brightness: around(1, "brightness", brightness),
      contrast: around(1, "contrast", contrast),
      saturation: around(1, "saturation", saturation),
      hue: around(0, "hue", hue)
    })
  }
})
