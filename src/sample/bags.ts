import type { Draw } from "../pipeline/draw.ts"
import type { Shape } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { ellipse, line, path, rectangle, svg } from "./svg.ts"

/** A body that is wider at its foot, one or two handles that stand over it, often a flap with a clasp. */
export const handbag = (random: Draw, paint: Paint): Shape => {
  const foot = random.between(17, 22)
  const head = foot - random.between(0, 5)
  const height = random.between(21, 36)
  const rise = random.between(9, 17)
  const grip = head * random.between(0.45, 0.8)
  const width = random.between(1.6, 3)
  const [top, bottom] = [-height / 2 + rise / 2, height / 2 + rise / 2]
  const handle = (dx: number, up: number) =>
    path(svg`M${dx - grip} ${top + 2}C${dx - grip} ${top - up} ${dx + grip} ${top - up} ${dx + grip} ${top + 2}`, {
      stroke: paint.second,
      width
    })
  const double = random.next() < 0.4
  const flap = random.next()
  const depth = height * random.between(0.35, 0.6)
  const shape =
    svg`M${-head} ${top}L${head} ${top}L${foot} ${bottom - 3}Q${foot} ${bottom} ${foot - 3} ${bottom}` +
    svg`L${3 - foot} ${bottom}Q${-foot} ${bottom} ${-foot} ${bottom - 3}Z`
  return {
    width: 2 * foot + 1,
    height: height + rise,
    markup:
      handle(double ? 1.5 : 0, rise * 1.25) +
      path(shape, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      (double ? handle(-1.5, rise * 1.1) : "") +
      (flap < 0.5
        ? path(
            svg`M${-head} ${top}L${head} ${top}L${head - 1} ${top + depth * 0.6}Q0 ${top + depth * 1.3} ${1 - head} ${top + depth * 0.6}Z`,
            { fill: flap < 0.25 ? paint.second : paint.main, stroke: paint.edge, width: 1.1 }
          ) + rectangle(-2, top + depth * 0.8, 4, 4, 1, { fill: paint.accent })
        : line(-head + 1, top + 4, head - 1, top + 4, { stroke: paint.seam, width: 1 }) +
          (flap < 0.75 ? ellipse(0, top + height * 0.5, 3, 3, { fill: paint.accent }) : ""))
  }
}

/** A tall body with a round top, a small loop, a front pocket, zips, and straps that show at the sides. */
export const backpack = (random: Draw, paint: Paint): Shape => {
  const half = random.between(14, 18)
  const height = random.between(36, 47)
  const round = random.between(8, 16)
  const [top, bottom] = [-height / 2 + 2, height / 2 + 2]
  const loop = random.between(3, 5)
  const pocket = height * random.between(0.34, 0.48)
  const inset = random.between(2, 4.5)
  const sides = random.next() < 0.7
  const straps = random.next() < 0.7
  const shape =
    svg`M${-half} ${bottom - 4}L${-half + 1} ${top + round}Q${-half + 2} ${top} 0 ${top}` +
    svg`Q${half - 2} ${top} ${half - 1} ${top + round}L${half} ${bottom - 4}Q${half} ${bottom} ${half - 4} ${bottom}` +
    svg`L${4 - half} ${bottom}Q${-half} ${bottom} ${-half} ${bottom - 4}Z`
  const each = (part: (side: number) => string) => part(-1) + part(1)
  return {
    width: 2 * half + 8,
    height: height + 5,
    markup:
      path(svg`M${-loop} ${top + 2}C${-loop} ${top - 6} ${loop} ${top - 6} ${loop} ${top + 2}`, {
        stroke: paint.second,
        width: 2
      }) +
      (straps
        ? each((s) =>
            path(
              svg`M${s * (half - 4)} ${top + 6}Q${s * (half + 6)} ${top + height * 0.45} ${s * (half - 1)} ${bottom - 5}`,
              { stroke: paint.second, width: 2.6 }
            )
          )
        : "") +
      (sides
        ? each((s) =>
            rectangle(s * half - 2.5, bottom - height * 0.36, 5, height * 0.3, 1.5, {
              fill: paint.second,
              stroke: paint.edge,
              width: 0.6
            })
          )
        : "") +
      path(shape, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
      path(
        svg`M${3 - half} ${top + height * 0.38}Q${3 - half} ${top + 5} 0 ${top + 5}Q${half - 3} ${top + 5} ${half - 3} ${top + height * 0.38}`,
        { stroke: paint.seam, width: 1 }
      ) +
      rectangle(inset - half, bottom - pocket - 2, 2 * (half - inset), pocket, 3, {
        fill: random.next() < 0.5 ? paint.second : paint.main,
        stroke: paint.edge,
        width: 1.2
      }) +
      line(inset - half + 2, bottom - pocket + 2, half - inset - 2, bottom - pocket + 2, {
        stroke: paint.accent,
        width: 1.2
      })
  }
}
