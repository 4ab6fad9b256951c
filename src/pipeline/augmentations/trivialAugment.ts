import { between, optionalSetting } from "../../config/Setting.ts"
import { affineOf } from "../affine.ts"
import type { Affine } from "../affine.ts"
import type { Pixels } from "../Pixels.ts"
import { augmentation } from "./Augmentation.ts"
import type { DrawOf, Movement } from "./Augmentation.ts"
import { jitterColours } from "./colourJitter.ts"

/** What each of a channel's 256 values becomes, of the channels one after the other. */
const byTables = ({ data, height, width }: Pixels, tableOf: (channel: number) => ArrayLike<number>): Pixels => {
  const tables = [0, 1, 2].map(tableOf)
  const out = new Uint8Array(data.length)
  for (const [channel, table] of tables.entries())
    for (let i = channel; i < data.length; i += 3) out[i] = table[data[i] as number] as number // a byte is below 256
  return { height, width, data: out }
}

const values = (valueOf: (v: number) => number) => Uint8Array.from({ length: 256 }, (_, v) => valueOf(v))

const histogram = ({ data }: Pixels, channel: number): Uint32Array => {
  const counts = new Uint32Array(256)
  for (let i = channel; i < data.length; i += 3) counts[data[i] as number]! += 1
  return counts
}

/** Fewer levels: the lowest bits of every value are 0. */
export const posterize = (pixels: Pixels, bits: number): Pixels => {
  const table = values((v) => v & (0xff << (8 - bits)))
  return byTables(pixels, () => table)
}

/** Inverts the values from a threshold on. */
export const solarize = (pixels: Pixels, threshold: number): Pixels => {
  const table = values((v) => (v < threshold ? v : 255 - v))
  return byTables(pixels, () => table)
}

/** Stretches each channel so that its darkest value is 0 and its brightest 255. */
export const autoContrast = (pixels: Pixels): Pixels =>
  byTables(pixels, (channel) => {
    const counts = histogram(pixels, channel)
    const low = counts.findIndex((count) => count > 0)
    const high = counts.findLastIndex((count) => count > 0)
    // The offset is rounded with the product as Pillow does it.
    const scale = 255 / (high - low)
    return high <= low
      ? values((v) => v)
      : values((v) => Math.max(0, Math.min(255, Math.trunc(v * scale - low * scale))))
  })

/** Spreads each channel's values evenly over all levels. */
export const equalize = (pixels: Pixels): Pixels =>
  byTables(pixels, (channel) => {
    const counts = histogram(pixels, channel)
    const last = counts.findLast((count) => count > 0) ?? 0
    const step = Math.floor((counts.reduce((sum, count) => sum + count, 0) - last) / 255)
    if (step === 0) return values((v) => v)
    let sum = Math.floor(step / 2)
    const table = new Uint8Array(256)
    for (const [v, count] of counts.entries()) {
      table[v] = Math.min(255, Math.floor(sum / step))
      sum += count
    }
    return table
  })

/** Away from a smoothed image by a factor, which 1 leaves as it is; the outermost pixels stay. */
export const sharpen = ({ data, height, width }: Pixels, factor: number): Pixels => {
  const out = data.slice()
  // Rounds, and cuts at 0 and 255.
  const clamped = new Uint8ClampedArray(out.buffer)
  const row = width * 3
  for (let y = 1; y < height - 1; y++)
    for (let i = y * row + 3, end = (y + 1) * row - 3; i < end; i++) {
      let sum = 0
      // Indices are inside: the border is left out.
      for (const at of [i - row, i, i + row])
        sum += (data[at - 3] as number) + (data[at] as number) + (data[at + 3] as number)
      const smooth = Math.trunc((sum + 4 * (data[i] as number)) / 13 + 0.5)
      clamped[i] = smooth + factor * ((data[i] as number) - smooth)
    }
  return { height, width, data: out }
}

/** An operation with a strength from 0 to 1, `sign` being 1 or -1: it moves pixels, or changes their values. */
type Operation =
  | { readonly move: (strength: number, sign: number, height: number, width: number) => Affine }
  | { readonly change: (pixels: Pixels, strength: number, sign: number) => Pixels }
  | { readonly nothing: true }

const still = { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 } satisfies Affine

const noJitter = { brightness: 1, contrast: 1, saturation: 1, hue: 0 }

const enhance = (channel: "brightness" | "contrast" | "saturation"): Operation => ({
  change: (pixels, strength, sign) => jitterColours(pixels, { ...noJitter, [channel]: 1 + sign * 0.99 * strength })
})

/** The 14 operations and the ranges of TrivialAugment (wide), in torchvision's order. */
const operations: ReadonlyArray<Operation> = [
  { nothing: true },
  { move: (strength, sign) => ({ ...still, b: sign * 0.99 * strength }) },
  { move: (strength, sign) => ({ ...still, d: sign * 0.99 * strength }) },
  { move: (strength, sign) => ({ ...still, c: sign * Math.trunc(32 * strength) }) },
  { move: (strength, sign) => ({ ...still, f: sign * Math.trunc(32 * strength) }) },
  {
    move: (strength, sign, height, width) =>
      affineOf({ flip: false, degrees: sign * 135 * strength, crop: { left: 0, top: 0, width, height } }, width, height)
  },
  enhance("brightness"),
  enhance("saturation"),
  enhance("contrast"),
  { change: (pixels, strength, sign) => sharpen(pixels, 1 + sign * 0.99 * strength) },
  { change: (pixels, strength) => posterize(pixels, 8 - Math.round(6 * strength)) },
  { change: (pixels, strength) => solarize(pixels, 255 * (1 - strength)) },
  { change: autoContrast },
  { change: equalize }
]

/** The strengths are 31, evenly apart. */
const levels = 31

const drawn = (most: number, drawOf: DrawOf) => {
  const random = drawOf("trivialAugment")
  const operation = operations[random.below(operations.length)] as Operation // `below` is inside
  return { operation, strength: (most * random.below(levels)) / (levels - 1), sign: random.below(2) === 0 ? 1 : -1 }
}

/**
 * TrivialAugment: one operation out of 14, drawn for each image, at a strength that is drawn too.
 *
 * Source: Müller and Hutter, TrivialAugment, 2021, with the wide ranges, as in torchvision's `TrivialAugmentWide`; what
 * is moved is sampled bilinearly, and the background fills what is uncovered. `trivial` scales all strengths.
 */
export const trivialAugment = augmentation({
  settings: {
    trivial: optionalSetting(
      between(0.01, 1),
      "TrivialAugment: one of 14 operations for each image at a random strength, up to this share of the published ranges; 1 is usual. Off where left out"
    )
  },
  move: ({ trivial }, drawOf, { height, width }): Movement | undefined => {
    if (trivial === undefined) return undefined
    const { operation, sign, strength } = drawn(trivial, drawOf)
    return "move" in operation ? operation.move(strength, sign, height, width) : undefined
  },
  changes: ({ trivial }, drawOf) => trivial !== undefined && "change" in drawn(trivial, drawOf).operation,
  change: (pixels, { trivial = 1 }, drawOf) => {
    const { operation, sign, strength } = drawn(trivial, drawOf)
    return "change" in operation ? operation.change(pixels, strength, sign) : pixels
  }
})
