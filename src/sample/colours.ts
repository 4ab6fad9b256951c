import type { Draw } from "../pipeline/draw.ts"

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number]

interface NamedColour {
  readonly name: string
  readonly rgb: Rgb
  /** How often it is drawn, against the others. */
  readonly weight: number
}

const colour = (name: string, rgb: Rgb, weight: number): NamedColour => ({ name, rgb, weight })

const black = colour("Black", [38, 38, 42], 13)

/**
 * The colours that a product may have. Every kind draws from the same list, so that a colour does not give the kind
 * away.
 */
export const colours: ReadonlyArray<NamedColour> = [
  black,
  colour("White", [238, 238, 236], 8),
  colour("Blue", [62, 104, 176], 11),
  colour("Navy Blue", [38, 48, 92], 8),
  colour("Grey", [140, 142, 146], 9),
  colour("Red", [190, 46, 50], 8),
  colour("Green", [66, 128, 78], 7),
  colour("Brown", [118, 78, 52], 9),
  colour("Pink", [222, 132, 162], 6),
  colour("Purple", [122, 82, 150], 5),
  colour("Yellow", [228, 194, 74], 5),
  colour("Beige", [206, 188, 156], 6),
  colour("Orange", [220, 128, 58], 3),
  colour("Maroon", [110, 34, 50], 2)
]

const total = colours.reduce((sum, { weight }) => sum + weight, 0)

/** One of the colours, the frequent ones more often. */
export const drawColour = (random: Draw): NamedColour => {
  let rest = random.next() * total
  return colours.find(({ weight }) => (rest -= weight) < 0) ?? black
}

/** `from`, moved by `share` (0 to 1) towards `to`. */
export const mix = (from: Rgb, to: Rgb, share: number): Rgb => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share
]

/** The colour with its channels moved at random by up to `reach`. */
export const varied = (random: Draw, [r, g, b]: Rgb, reach: number): Rgb => {
  const light = random.between(-reach, reach)
  const one = (channel: number) => Math.min(255, Math.max(0, channel + light + random.between(-reach / 2, reach / 2)))
  return [one(r), one(g), one(b)]
}

/** Relative luminance without gamma, 0 to 1. Weights: ITU-R BT.601. */
export const luminance = ([r, g, b]: Rgb): number => (0.299 * r + 0.587 * g + 0.114 * b) / 255

/** The colour as SVG writes it. */
export const css = (rgb: Rgb): string => `rgb(${rgb.map((channel) => Math.round(channel)).join(",")})`
