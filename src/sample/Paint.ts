import type { Draw } from "../pipeline/draw.ts"
import type { Rgb } from "./colours.ts"
import { css, drawColour, luminance, mix, varied } from "./colours.ts"
import { ellipse, line, polygon, rectangle, svg } from "./svg.ts"

/** The colours of one product, as SVG writes them. */
export interface Paint {
  /** The name of the main colour, as the CSV has it. */
  readonly colour: string
  /** `plain`, or what the main parts are covered with. */
  readonly pattern: Pattern
  /** Relative luminance of the main colour, 0 to 1. */
  readonly light: number
  /** What the main parts are filled with: a colour, or a reference into `defs`. */
  readonly fill: string
  /** The main colour without a pattern. */
  readonly main: string
  /** Outlines: like the main colour, but distinct from it and from a white background. */
  readonly edge: string
  /** Seams and other fine lines on the main colour. */
  readonly seam: string
  /** Second parts (collars, soles, straps), drawn from the same colours. */
  readonly second: string
  /** Small parts (buttons, buckles, hands). */
  readonly accent: string
  /** Definitions that `fill` refers to. */
  readonly defs: string
}

export type Pattern = "plain" | "striped" | "checked" | "dotted" | "printed"

const white: Rgb = [255, 255, 255]
const black: Rgb = [0, 0, 0]

/** Lighter on dark colours, darker on light ones. */
const against = (rgb: Rgb, share: number): Rgb => mix(rgb, luminance(rgb) < 0.3 ? white : black, share)

const patternOf = (random: Draw): Pattern => {
  const u = random.next()
  return u < 0.66 ? "plain" : u < 0.77 ? "striped" : u < 0.86 ? "checked" : u < 0.93 ? "dotted" : "printed"
}

/** One tile of a pattern, `size` wide and high, on the main colour. */
const tile = (random: Draw, pattern: Pattern, size: number, ink: string): string => {
  const width = size * random.between(0.25, 0.5)
  switch (pattern) {
    case "striped":
      return rectangle(0, 0, size, width, 0, { fill: ink })
    case "checked":
      return (
        rectangle(0, 0, size, width, 0, { fill: ink, opacity: 0.6 }) +
        rectangle(0, 0, width, size, 0, { fill: ink, opacity: 0.6 })
      )
    case "dotted":
      return ellipse(size / 2, size / 2, width / 1.5, width / 1.5, { fill: ink })
    default: {
      const petals = Array.from({ length: 4 }, () => {
        const [x, y, r] = [random.between(2, size - 2), random.between(2, size - 2), random.between(1, size / 5)]
        return random.next() < 0.5
          ? ellipse(x, y, r, r * 0.6, { fill: ink })
          : polygon(
              [
                [x, y - r],
                [x + r, y + r * 0.8],
                [x - r, y + r * 0.5]
              ],
              { fill: ink }
            )
      })
      return petals.join("") + line(0, size * 0.3, size * 0.4, size * 0.7, { stroke: ink, width: 0.8 })
    }
  }
}

/** Draws a product's colours and pattern; nothing here knows what kind of product it is. */
export const drawPaint = (random: Draw): Paint => {
  const { name, rgb } = drawColour(random)
  const main = varied(random, rgb, 14)
  const other = varied(random, drawColour(random).rgb, 14)
  const second = random.next() < 0.45 ? against(main, random.between(0.2, 0.5)) : other
  const accent = random.next() < 0.5 ? varied(random, drawColour(random).rgb, 14) : against(main, 0.6)
  const pattern = patternOf(random)
  const size = pattern === "printed" ? random.between(11, 16) : random.between(4, 8)
  const ink = random.next() < 0.7 ? against(main, random.between(0.15, 0.4)) : mix(main, other, 0.6)
  const turn = pattern === "striped" ? ([0, 0, 90, 45][random.below(4)] ?? 0) : random.below(2) * 45
  const defs =
    pattern === "plain"
      ? ""
      : svg`<pattern id="f" width="${size}" height="${size}" patternUnits="userSpaceOnUse" ` +
        svg`patternTransform="rotate(${turn})">` +
        rectangle(0, 0, size, size, 0, { fill: css(main) }) +
        tile(random, pattern, size, css(ink)) +
        "</pattern>"
  return {
    colour: name,
    pattern,
    light: luminance(main),
    fill: pattern === "plain" ? css(main) : "url(#f)",
    main: css(main),
    edge: css(mix(main, black, 0.7)),
    seam: css(against(main, 0.45)),
    second: css(second),
    accent: css(accent),
    defs
  }
}
