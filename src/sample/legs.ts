import type { Draw } from "../pipeline/draw.ts"
import type { Shape } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { ellipse, line, path, rectangle, svg } from "./svg.ts"

const both = (part: (side: number) => string): string => part(-1) + part(1)

interface Legs {
  readonly height: number
  readonly waist: number
  readonly hip: number
  /** From the waist down to where the legs part. */
  readonly rise: number
  /** The inner and the outer side of a leg's end, from the middle line. */
  readonly inner: number
  readonly outer: number
}

/** Two legs with a waistband, pockets, a fly and a button. */
const trousers = (random: Draw, paint: Paint, legs: Legs): Shape => {
  const { height, hip, inner, outer, rise, waist } = legs
  const top = -height / 2
  const [bottom, crotch] = [-top, top + rise]
  const knee = crotch + (bottom - crotch) * 0.5
  const middle = (hip + outer) / 2 + random.between(-1.5, 0)
  const side = random.below(2) * 2 - 1
  const shape =
    svg`M${-waist} ${top}L${waist} ${top}L${hip} ${crotch - 3}Q${middle} ${knee} ${outer} ${bottom}` +
    svg`L${inner} ${bottom + 1}L0.6 ${crotch}L-0.6 ${crotch}L${-inner} ${bottom + 1}L${-outer} ${bottom}` +
    svg`Q${-middle} ${knee} ${-hip} ${crotch - 3}Z`
  const band = random.next() < 0.4 ? paint.second : paint.main
  const turned = random.next() < 0.35
  return {
    width: 2 * Math.max(hip, outer),
    height: height + 1,
    markup:
      path(shape, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      rectangle(-waist, top - 0.5, 2 * waist, 3.6, 0.6, { fill: band, stroke: paint.edge, width: 1.1 }) +
      path(svg`M0 ${top + 3}L0 ${crotch - 4}L${side * 2.2} ${crotch - 7}L${side * 2.2} ${top + 3}`, {
        stroke: paint.seam,
        width: 0.7
      }) +
      ellipse(0, top + 1.4, 1, 1, { fill: paint.accent }) +
      both((s) =>
        path(svg`M${s * waist * 0.55} ${top + 3}Q${s * waist * 0.6} ${top + 8} ${s * (hip - 0.8)} ${top + 8}`, {
          stroke: paint.seam,
          width: 0.8
        })
      ) +
      (turned
        ? both((s) => line(s * inner, bottom - 2.5, s * outer, bottom - 3.2, { stroke: paint.seam, width: 1.2 }))
        : "")
  }
}

/** Long legs: skinny, straight or flared. */
export const jeans = (random: Draw, paint: Paint): Shape => {
  const waist = random.between(9, 12)
  const hip = waist + random.between(1.5, 4)
  const inner = random.between(1.5, 4.5)
  return trousers(random, paint, {
    height: random.between(54, 66),
    waist,
    hip,
    rise: random.between(14, 18),
    inner,
    outer: inner + random.between(6, 10.5)
  })
}

/** Short legs, wide. */
export const shorts = (random: Draw, paint: Paint): Shape => {
  const waist = random.between(12, 15)
  const hip = waist + random.between(2, 5)
  const rise = random.between(15, 19)
  const inner = random.between(1, 3)
  return trousers(random, paint, {
    height: rise + random.between(9, 21),
    waist,
    hip,
    rise,
    inner,
    outer: hip + random.between(-1, 4)
  })
}
