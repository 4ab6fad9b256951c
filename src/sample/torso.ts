import type { Draw } from "../pipeline/draw.ts"
import type { Shape } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { ellipse, line, path, polygon, rectangle, svg } from "./svg.ts"

/** What an upper body's garment is cut like; lengths in the frame's pixels, half widths from the middle line. */
interface Cut {
  readonly top: number
  readonly bottom: number
  readonly neck: number
  readonly shoulder: number
  readonly chest: number
  readonly hem: number
  readonly slope: number
  /** The sleeve's end: outwards and down from the shoulder. */
  readonly sleeve: readonly [number, number]
  readonly cuff: number
}

const drawCut = (random: Draw, long: boolean, ease = 0, length = random.between(44, 53), cuff?: number): Cut => {
  const shoulder = random.between(13, 16.5) + ease
  const down = long ? random.between(26, 36) : random.between(8, 14)
  return {
    top: -length / 2,
    bottom: length / 2,
    neck: random.between(4.5, 6.5),
    shoulder,
    chest: shoulder - random.between(1, 3),
    hem: shoulder - random.between(-1, 3.5),
    slope: random.between(2, 4.5),
    sleeve: [long ? random.between(4, 13) : random.between(5, 11), down],
    cuff: cuff ?? (long ? random.between(5, 7) : random.between(7, 10))
  }
}

/** One sleeve, on the side -1 or 1. */
const sleeve = (cut: Cut, side: number, paint: Paint, cuffed: boolean): string => {
  const [out, down] = cut.sleeve
  const length = Math.sqrt(out * out + down * down)
  const [x, y] = [cut.shoulder, cut.top + cut.slope]
  const [ex, ey] = [x + out, y + down]
  // The cuff stands across the sleeve's direction.
  const [ix, iy] = [ex - (cut.cuff * down) / length, ey + (cut.cuff * out) / length]
  const armpit = y + 12
  const corners = [
    [x - 4, y - 1],
    [x, y],
    [ex, ey],
    [ix, iy],
    [cut.chest - 1, armpit]
  ] as const
  const mirrored = corners.map(([px, py]) => [side * px, py] as const)
  return (
    polygon(mirrored, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
    (cuffed ? line(side * ex, ey, side * ix, iy, { stroke: paint.second, width: 2 }) : "")
  )
}

const body = (cut: Cut, depth: number, paint: Paint): string => {
  const { bottom, chest, hem, neck, shoulder, slope, top } = cut
  return path(
    svg`M${-neck} ${top}L${-shoulder} ${top + slope}L${-chest} ${top + slope + 12}L${-hem} ${bottom}` +
      svg`Q0 ${bottom + 2} ${hem} ${bottom}L${chest} ${top + slope + 12}L${shoulder} ${top + slope}` +
      svg`L${neck} ${top}Q0 ${top + depth * 2} ${-neck} ${top}Z`,
    { fill: paint.fill, stroke: paint.edge, width: 1.2 }
  )
}

const shape = (cut: Cut, markup: string): Shape => ({
  width: 2 * (cut.shoulder + cut.sleeve[0]),
  height: cut.bottom - cut.top + 3,
  markup
})

const both = (part: (side: number) => string): string => part(-1) + part(1)

/** Short sleeves (rarely long), a round or pointed neck, sometimes a motif or a polo collar. */
export const tshirt = (random: Draw, paint: Paint): Shape => {
  const cut = drawCut(random, random.next() < 0.05)
  const depth = random.between(2.5, 6)
  const cuffed = random.next() < 0.25
  const style = random.next()
  const { neck, top } = cut
  const rim = path(svg`M${-neck} ${top}Q0 ${top + depth * 2} ${neck} ${top}`, { stroke: paint.second, width: 1.8 })
  const polo =
    both((side) =>
      polygon(
        [
          [side * neck, top - 1],
          [side * neck * 0.2, top + depth],
          [side * (neck + 1), top + depth + 1.5]
        ],
        {
          fill: paint.second,
          stroke: paint.edge,
          width: 0.5
        }
      )
    ) + line(0, top + depth, 0, top + depth + 8, { stroke: paint.seam, width: 1 })
  const y = top + random.between(14, 22)
  const r = random.between(4, 7.5)
  const motif =
    random.next() < 0.5
      ? ellipse(0, y, r, r * random.between(0.6, 1), { fill: paint.accent })
      : rectangle(-r, y - r / 2, 2 * r, r * random.between(0.5, 1.4), 1, { fill: paint.accent })
  return shape(
    cut,
    both((side) => sleeve(cut, side, paint, cuffed)) +
      body(cut, depth, paint) +
      (style < 0.16 ? polo : rim) +
      (style > 0.62 ? motif : "")
  )
}

/** Mostly long sleeves, a collar with two points, a row of buttons. */
export const shirt = (random: Draw, paint: Paint): Shape => {
  const cut = drawCut(random, random.next() < 0.88)
  const cuffed = random.next() < 0.6
  const drop = random.between(6.5, 9)
  const own = random.next() < 0.6 ? paint.main : paint.second
  const { bottom, neck, top } = cut
  const count = 4 + random.below(3)
  const buttons = Array.from({ length: count }, (_, i) =>
    ellipse(0, top + drop + 3 + ((bottom - top - drop - 6) * i) / count, 1.1, 1.1, { fill: paint.accent })
  )
  const side = random.below(2) * 2 - 1
  const pocket = rectangle(side * 7 - 3.5, top + 13, 7, 7.5, 1, { stroke: paint.seam, width: 0.8 })
  return shape(
    cut,
    both((s) => sleeve(cut, s, paint, cuffed)) +
      body(cut, 2, paint) +
      line(-2, top + drop - 2, -2, bottom, { stroke: paint.seam, width: 0.9 }) +
      line(2, top + drop - 2, 2, bottom, { stroke: paint.seam, width: 0.9 }) +
      buttons.join("") +
      (random.next() < 0.5 ? pocket : "") +
      both((s) =>
        polygon(
          [
            [s * neck * 0.7, top - 2],
            [0, top + 3],
            [s * neck * 0.7, top + drop],
            [s * (neck + 2.5), top + 1.5]
          ],
          {
            fill: own,
            stroke: paint.edge,
            width: 0.8
          }
        )
      )
  )
}

/** Always long sleeves, wide; a zip or an open front, a standing collar or lapels, slanted pockets, a hem band. */
export const jacket = (random: Draw, paint: Paint): Shape => {
  const cut = drawCut(random, true, random.between(3, 5.5), random.between(40, 48), random.between(7.5, 9.5))
  const { bottom, hem, neck, shoulder, top } = cut
  const open = random.next() < 0.5
  const spread = random.between(5, 8)
  const y = top + (bottom - top) * random.between(0.6, 0.72)
  const banded = random.next() < 0.6
  const depth = random.between(12, 20)
  const front = open
    ? polygon(
        [
          [-neck, top],
          [neck, top],
          [spread * 0.5, top + depth],
          [spread, bottom + 1],
          [-spread, bottom + 1],
          [-spread * 0.5, top + depth]
        ],
        { fill: paint.second, stroke: paint.edge, width: 1.2 }
      )
    : line(0, top, 0, bottom, { stroke: paint.accent, width: random.between(2, 3.2) })
  const collar = open
    ? both((s) =>
        polygon(
          [
            [s * neck, top - 1],
            [s * (neck + 4), top + 6],
            [s * spread * 0.5, top + depth],
            [s * (neck - 2), top + 4]
          ],
          { fill: paint.main, stroke: paint.edge, width: 1.2 }
        )
      )
    : rectangle(-neck - 1, top - 3.5, 2 * neck + 2, 6, 2, { fill: paint.second, stroke: paint.edge, width: 1.2 })
  return shape(
    cut,
    both((s) => sleeve(cut, s, paint, banded)) +
      body(cut, 2, paint) +
      front +
      collar +
      both((s) => line(s * shoulder * 0.75, y, s * shoulder * 0.5, y + 6, { stroke: paint.seam, width: 1.4 })) +
      (banded ? rectangle(-hem, bottom - 3, 2 * hem, 4, 1, { fill: paint.second, stroke: paint.edge, width: 0.6 }) : "")
  )
}

/** A bodice with straps or sleeves, a waist, a skirt that flares. */
export const dress = (random: Draw, paint: Paint): Shape => {
  const height = random.between(54, 64)
  const top = -height / 2
  const waist = random.between(6.5, 9)
  const chest = waist + random.between(1, 3.5)
  const hem = random.between(12, 22)
  const level = top + height * random.between(0.34, 0.44)
  const neck = chest * random.between(0.5, 0.75)
  const depth = random.between(3, 9)
  const cut: Cut = {
    top,
    bottom: -top,
    neck,
    shoulder: chest + 1,
    chest,
    hem,
    slope: 1.5,
    sleeve: [random.between(3, 8), random.between(5, 20)],
    cuff: 5.5
  }
  const sleeved = random.next() < 0.45
  const belt = random.next() < 0.5
  const skirt = random.between(0.3, 0.9)
  const bodice =
    svg`M${-neck} ${top}L${-chest} ${top + 1.5}Q${-chest + 1.5} ${top + 8} ${-chest} ${top + 11}L${-waist} ${level}` +
    svg`Q${-waist - (hem - waist) * skirt} ${level + 8} ${-hem} ${-top}Q0 ${3 - top} ${hem} ${-top}` +
    svg`Q${waist + (hem - waist) * skirt} ${level + 8} ${waist} ${level}L${chest} ${top + 11}` +
    svg`Q${chest - 1.5} ${top + 8} ${chest} ${top + 1.5}L${neck} ${top}Q0 ${top + depth * 2} ${-neck} ${top}Z`
  const folds = both((s) =>
    line(s * waist * 0.4, level + 4, s * hem * 0.45, -top - 3, { stroke: paint.seam, width: 0.7 })
  )
  return {
    width: 2 * Math.max(hem, sleeved ? chest + 1 + cut.sleeve[0] : 0),
    height: height + 3,
    markup:
      (sleeved ? both((s) => sleeve(cut, s, paint, false)) : "") +
      path(bodice, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      folds +
      (belt ? rectangle(-waist, level - 1.5, 2 * waist, 3, 0.5, { fill: paint.second }) : "")
  }
}
