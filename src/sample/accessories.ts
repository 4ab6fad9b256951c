import type { Draw } from "../pipeline/draw.ts"
import type { Shape } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { ellipse, line, path, polygon, rectangle, svg } from "./svg.ts"

const both = (part: (side: number) => string): string => part(-1) + part(1)

/** Eight directions from a dial's middle, on a circle of radius 1; written down, so that no sine is asked. */
const directions = [
  [0, -1],
  [0.71, -0.71],
  [1, 0],
  [0.71, 0.71],
  [0, 1],
  [-0.71, 0.71],
  [-1, 0],
  [-0.71, -0.71]
] as const

const towards = (random: Draw, length: number): readonly [number, number] => {
  const [x, y] = directions[random.below(8)] ?? directions[0]
  return [x * length, y * length]
}

/** A strap from top to bottom, a round or square case with a dial and two hands in its middle. */
export const watch = (random: Draw, paint: Paint): Shape => {
  const height = random.between(52, 64)
  const half = random.between(4.5, 7.5)
  const end = half * random.between(0.65, 0.95)
  const r = random.between(10, 14)
  const square = random.next() < 0.3
  const rim = random.between(1.6, 3)
  const links = random.next() < 0.45
  const top = -height / 2
  const shape = svg`M${-end} ${top}L${end} ${top}L${half} 0L${end} ${-top}L${-end} ${-top}L${-half} 0Z`
  const rungs = Array.from({ length: 5 }, (_, i) =>
    both((s) =>
      line(-half * 0.85, s * (r + 2 + i * 3.4), half * 0.85, s * (r + 2 + i * 3.4), { stroke: paint.seam, width: 0.8 })
    )
  )
  const [hx, hy] = towards(random, r * 0.45)
  const [mx, my] = towards(random, r * 0.7)
  const dial = random.next() < 0.6 ? paint.second : paint.accent
  const casing = { fill: paint.main, stroke: paint.edge, width: 1.2 }
  const hands = random.next() < 0.5 ? paint.edge : paint.seam
  const w = r * 0.86
  return {
    width: 2 * r + 3,
    height,
    markup:
      path(shape, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      (links ? rungs.join("") : "") +
      rectangle(r - 0.5, -1.5, 2.5, 3, 0.8, { fill: paint.edge }) +
      (square
        ? rectangle(-w, -r, 2 * w, 2 * r, 2.5, casing) +
          rectangle(rim - w, rim - r, 2 * (w - rim), 2 * (r - rim), 1.5, { fill: dial, stroke: paint.edge, width: 0.5 })
        : ellipse(0, 0, r, r, casing) +
          ellipse(0, 0, r - rim, r - rim, { fill: dial, stroke: paint.edge, width: 0.5 })) +
      line(0, 0, hx, hy, { stroke: hands, width: 1.6 }) +
      line(0, 0, mx * 0.8, my * 0.8, { stroke: hands, width: 1 })
  }
}

/** Two lenses, a bridge, and temples that are folded behind or stand out at the sides. */
export const sunglasses = (random: Draw, paint: Paint): Shape => {
  const rx = random.between(9, 11.5)
  const ry = rx * random.between(0.68, 0.95)
  const gap = random.between(2, 3.5)
  const width = random.between(1.6, 3)
  const form = random.next()
  const x = rx + gap
  const glass = { fill: paint.second, stroke: paint.main, width }
  const lens = (s: number) =>
    form < 0.4
      ? ellipse(s * x, 0, rx, ry, glass)
      : form < 0.7
        ? rectangle(s * x - rx, -ry, 2 * rx, 2 * ry, ry * 0.45, glass)
        : path(
            svg`M${s * gap} ${-ry}L${s * (gap + 2 * rx)} ${-ry}Q${s * (gap + 2 * rx + 1)} ${ry} ${s * (x + 1)} ${ry}Q${s * gap} ${ry} ${s * gap} ${-ry}Z`,
            glass
          )
  const folded = random.next() < 0.5
  const out = x + rx
  const temple = (s: number) =>
    folded
      ? path(svg`M${s * out} ${-ry * 0.6}L${s * out * 0.8} ${ry + 2}L${-s * out * 0.5} ${ry + 2.5}`, {
          stroke: paint.edge,
          width: 1.6
        })
      : line(s * out, -ry * 0.6, s * (out + 3.5), -ry * 0.6 - 6, { stroke: paint.main, width })
  return {
    width: 2 * out + (folded ? 3 : 8),
    height: 2 * ry + 7,
    markup:
      both(temple) +
      both(lens) +
      path(svg`M${-gap - 0.5} ${-ry * 0.4}Q0 ${-ry} ${gap + 0.5} ${-ry * 0.4}`, { stroke: paint.main, width }) +
      both((s) => line(s * x - rx * 0.4, -ry * 0.1, s * x, -ry * 0.6, { stroke: "white", width: 1.2, opacity: 0.55 }))
  }
}

/** A dome with seams and a button, and a peak to the left. */
export const cap = (random: Draw, paint: Paint): Shape => {
  const half = random.between(14, 17)
  const height = random.between(17, 23)
  const peak = random.between(11, 16)
  const drop = random.between(1, 6)
  const base = height / 2
  const shift = peak / 2
  const dome = svg`M${shift - half} ${base}C${shift - half} ${base - height * 1.3} ${shift + half} ${base - height * 1.3} ${shift + half} ${base}Q${shift} ${base + 3} ${shift - half} ${base}Z`
  const brim = svg`M${shift - half - 1} ${base - 1}Q${shift - half - peak * 0.8} ${base - 2} ${shift - half - peak} ${base + drop}Q${shift - half} ${base + drop + 1} ${shift + half * 0.3} ${base + 1.6}Z`
  const logo = random.next() < 0.5
  return {
    width: 2 * half + peak,
    height: height + drop + 2,
    markup:
      path(dome, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      path(
        svg`M${shift} ${base - height * 0.97}Q${shift - half * 0.6} ${base - height * 0.6} ${shift - half * 0.45} ${base + 1}`,
        { stroke: paint.seam, width: 0.8 }
      ) +
      path(
        svg`M${shift} ${base - height * 0.97}Q${shift + half * 0.7} ${base - height * 0.6} ${shift + half * 0.55} ${base + 1}`,
        { stroke: paint.seam, width: 0.8 }
      ) +
      ellipse(shift, base - height * 0.98, 1.6, 1.1, { fill: paint.second }) +
      (logo ? ellipse(shift - half * 0.05, base - height * 0.42, 3.4, 2.8, { fill: paint.accent }) : "") +
      path(brim, { fill: paint.second, stroke: paint.edge, width: 1.2 })
  }
}

/** A knot over a long blade with a point. */
export const tie = (random: Draw, paint: Paint): Shape => {
  const height = random.between(52, 62)
  const half = random.between(5, 8)
  const top = -height / 2
  const edge = { fill: paint.fill, stroke: paint.edge, width: 1.2 }
  return {
    width: 2 * half,
    height,
    markup:
      polygon(
        [
          [-2, top + 6],
          [2, top + 6],
          [half, -top - 7],
          [0, -top],
          [-half, -top - 7]
        ],
        edge
      ) +
      polygon(
        [
          [-4, top],
          [4, top],
          [2.4, top + 7],
          [-2.4, top + 7]
        ],
        { ...edge, fill: paint.main }
      )
  }
}

/** A leg, a foot, a rib at the top, heel and toe in another colour. */
export const sock = (random: Draw, paint: Paint): Shape => {
  const height = random.between(36, 50)
  const half = random.between(5, 7)
  const foot = random.between(20, 26)
  const top = -height / 2
  const bottom = -top
  const right = foot / 2
  const left = right - 2 * half
  const outline =
    svg`M${left} ${top}L${right} ${top}L${right} ${bottom - 4}Q${right} ${bottom} ${right - 5} ${bottom}` +
    svg`L${4 - right} ${bottom}Q${-right - 3} ${bottom - 5} ${3 - right} ${bottom - 10}L${left} ${bottom - 13}Z`
  return {
    width: foot + 2,
    height,
    markup:
      path(outline, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      rectangle(left, top, 2 * half, 5, 0.5, { fill: paint.second, stroke: paint.edge, width: 0.5 }) +
      ellipse(4 - right, bottom - 4.5, 4, 4, { fill: paint.second }) +
      ellipse(right - 3.5, bottom - 4, 3.2, 3.6, { fill: paint.second })
  }
}
