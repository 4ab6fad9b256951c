import type { Draw } from "../pipeline/draw.ts"
import { draw } from "../pipeline/draw.ts"
import type { Rgb } from "./colours.ts"
import { css, drawColour, mix } from "./colours.ts"
import type { Kind } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { drawPaint } from "./Paint.ts"
import { ellipse, rectangle, svg } from "./svg.ts"

/** A product's picture as SVG text, and what its row says of it. */
export interface Drawing {
  readonly paint: Paint
  /** The picture at a size in pixels; its own coordinates are 60 wide and 80 high. */
  readonly at: (width: number, height: number) => string
}

/** Mostly near white, as a shop photographs; sometimes tinted, or falling off towards the foot. */
const background = (random: Draw): string => {
  const white: Rgb = [255, 255, 255]
  const u = random.next()
  const tint = drawColour(random).rgb
  if (u < 0.65) return rectangle(0, 0, 60, 80, 0, { fill: css(mix(white, [128, 128, 128], random.between(0, 0.06))) })
  const upper = css(mix(white, tint, random.between(0.03, 0.2)))
  if (u < 0.84) return rectangle(0, 0, 60, 80, 0, { fill: upper })
  const floor = random.between(45, 70)
  const lower = css(mix(white, [110, 110, 116], random.between(0.08, 0.3)))
  return rectangle(0, 0, 60, 80, 0, { fill: upper }) + rectangle(0, floor, 60, 80 - floor, 0, { fill: lower })
}

/**
 * Draws one product: a function of the catalogue's seed, the sample's id and its kind.
 *
 * Shape, colours, pose and background come from separate streams, so that they are independent.
 */
export const drawProduct = (seed: number, id: string, kind: Kind): Drawing => {
  const paint = drawPaint(draw(seed, id, "paint"))
  const shape = kind.shape(draw(seed, id, "shape"), paint)
  const pose = draw(seed, id, "pose")
  const scene = draw(seed, id, "background")
  const fit = Math.min(57 / shape.width, 75 / shape.height)
  const scale = Math.min(fit * pose.between(0.86, 1), 1.5)
  const mirror = pose.next() < 0.5 ? -1 : 1
  const [slackX, slackY] = [30 - (shape.width * scale) / 2, 40 - (shape.height * scale) / 2]
  const x = 30 + slackX * pose.between(-0.2, 0.2)
  const y = 40 + slackY * pose.between(-0.15, 0.15)
  const turn = pose.between(-1, 1) * (pose.next() < 0.9 ? 3 : 10)
  const stretch = pose.between(0.94, 1.06)
  const shadowed = scene.next() < 0.35
  const shadow = shadowed
    ? ellipse(x, y + (shape.height * scale) / 2, shape.width * scale * 0.45, 2.2, {
        fill: "black",
        opacity: scene.between(0.08, 0.22)
      })
    : ""
  const markup =
    `<defs>${paint.defs}</defs>` +
    background(scene) +
    shadow +
    svg`<g transform="translate(${x} ${y}) rotate(${turn}) scale(${mirror * scale * stretch} ${scale})">` +
    `${shape.markup}</g>`
  return {
    paint,
    at: (width, height) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 60 80">${markup}</svg>`
  }
}
