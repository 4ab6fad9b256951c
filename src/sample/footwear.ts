import type { Draw } from "../pipeline/draw.ts"
import type { Shape } from "./Kind.ts"
import type { Paint } from "./Paint.ts"
import { ellipse, line, path, rectangle, svg } from "./svg.ts"

/** A side view, toe to the left, standing on y = 0; sometimes the pair, the other one behind. */
const standing = (random: Draw, width: number, height: number, shoe: string): Shape => {
  const paired = random.next() < 0.15
  const [dx, dy] = [random.between(-4, 4), random.between(5, 9)]
  const low = height / 2
  const one = (x: number, y: number) => svg`<g transform="translate(${x} ${y})">` + `${shoe}</g>`
  return paired
    ? {
        width: width + Math.abs(dx),
        height: height + dy,
        markup: one(dx / 2, low - dy / 2) + one(-dx / 2, low + dy / 2)
      }
    : { width, height, markup: one(0, low) }
}

/** Thick even sole, closed upper, laces; low or ankle-high. */
export const casualShoe = (random: Draw, paint: Paint): Shape => {
  const half = random.between(21, 25)
  const sole = random.between(3, 5)
  const high = random.next() < 0.25
  const ankle = high ? random.between(21, 26) : random.between(13, 17)
  const toe = random.between(6, 9)
  const opening = random.between(12, 15)
  const tongue = half - opening - 2
  const outline =
    svg`M${half - 1} ${-sole}L${half - 2} ${-ankle}Q${half - opening / 2} ${4 - ankle} ${tongue} ${-ankle - 1}` +
    svg`L${tongue - 3} ${-ankle + 2}Q${-half * 0.25} ${-toe - 3} ${-half * 0.5} ${-toe}` +
    svg`Q${-half} ${-toe} ${-half} ${-sole}Z`
  const laces = Array.from({ length: 3 + random.below(2) }, (_, i) => {
    const t = (i + 0.6) / 4.5
    const x = tongue - 3 + (-half * 0.35 - tongue + 3) * t
    const y = -ankle + 2 + (ankle - toe - 4) * t
    return line(x - 1.5, y - 0.5, x + 3.5, y + 3.5, { stroke: paint.accent, width: 1.2 })
  })
  const cap = random.next() < 0.4
  const banded = random.next() < 0.4
  const markup =
    path(outline, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
    (cap
      ? path(
          svg`M${-half} ${-sole}Q${-half} ${-toe} ${-half * 0.55} ${-toe}Q${-half * 0.45} ${-toe / 2} ${-half * 0.5} ${-sole}Z`,
          { fill: paint.second, stroke: paint.edge, width: 0.5 }
        )
      : "") +
    (banded
      ? path(svg`M2 ${-sole}L6 ${-ankle * 0.6}L10 ${-ankle * 0.6}L7 ${-sole}Z`, { fill: paint.second })
      : path(svg`M${half * 0.55} ${-sole}Q${half * 0.45} ${-ankle * 0.6} ${half * 0.9} ${-ankle * 0.75}`, {
          stroke: paint.seam,
          width: 0.8
        })) +
    laces.join("") +
    rectangle(-half - 0.5, -sole, 2 * half + 0.5, sole, sole / 2.2, {
      fill: paint.second,
      stroke: paint.edge,
      width: 1.1
    })
  return standing(random, 2 * half + 1, ankle + 2, markup)
}

/** Flat or slightly raised sole; bands over an unseen foot, with the background between them. */
export const sandal = (random: Draw, paint: Paint): Shape => {
  const half = random.between(21, 25)
  const sole = random.between(2.5, 5)
  const wedge = random.between(0, 4)
  const instep = random.between(9, 13)
  const width = random.between(3, 5.5)
  const lean = random.between(2, 5)
  const ground = (x: number) => -sole - (wedge * (x + half)) / (2 * half)
  // The foot's back rises from the toes to the ankle.
  const over = (x: number) => ground(x) - 3 - (instep * (x + half)) / (1.3 * half)
  const band = (x: number) => {
    const [l, r] = [x + lean, x + lean + width]
    return path(
      svg`M${x} ${ground(x)}Q${x} ${over(l) + 1} ${l} ${over(l)}L${r} ${over(r)}Q${x + width} ${over(r) + 3} ${x + width} ${ground(x)}Z`,
      { fill: paint.fill, stroke: paint.edge, width: 1.1 }
    )
  }
  const bands = [-half * random.between(0.72, 0.82), -half * random.between(0.32, 0.45)]
  if (random.next() < 0.5) bands.push(-half * random.between(-0.05, 0.1))
  const strapped = random.next() < 0.75
  const ankle = over(half * 0.5) - random.between(1, 4)
  const back = half * 0.94
  const thick = random.between(2, 3.2)
  const strap = (d: string) =>
    path(d, { stroke: paint.edge, width: thick + 1.4 }) + path(d, { stroke: paint.main, width: thick })
  const heel = strapped
    ? strap(
        svg`M${back} ${ground(back)}Q${back + 1} ${ankle + 5} ${back - 1} ${ankle}L${half * 0.3} ${ankle + 1}L${half * 0.45} ${ground(half * 0.45)}`
      ) + ellipse(half * 0.55, ankle + 0.5, 1.6, 1.6, { fill: paint.accent })
    : ""
  const base = path(
    svg`M${-half} ${ground(-half) - 0.5}L${half} ${ground(half)}L${half} -1Q${half} 0 ${half - 1} 0L${2 - half} 0Q${-half} 0 ${-half} ${ground(-half) - 0.5}Z`,
    { fill: paint.second, stroke: paint.edge, width: 1.2 }
  )
  const height = strapped ? 2 - ankle : 2 - over(half * 0.3)
  return standing(random, 2 * half + 1, height, heel + bands.map(band).join("") + base)
}

/** A raised heel, thin or thick, under an upper that is low over the toes. */
export const heel = (random: Draw, paint: Paint): Shape => {
  const half = random.between(17, 21)
  const raise = random.between(10, 18)
  const thick = random.between(1.2, 4.5)
  const toe = random.between(5, 7)
  const counter = raise + random.between(8, 11)
  const [front, back] = [-half * 0.35, half * 0.55]
  const upper =
    svg`M${-half} -1Q${-half * 0.9} ${-toe} ${front} ${-toe - 2}Q${half * 0.1} ${-raise * 0.55 - 2} ${back} ${-raise - 4}` +
    svg`L${half * 0.8} ${-counter}Q${half + 1} ${-counter} ${half} ${-raise}Q${half * 0.5} ${-raise + 1} ${half * 0.2} ${-raise * 0.5}` +
    svg`Q${front} -1 ${-half} -1Z`
  const post = svg`M${half * 0.6} ${-raise}L${half} ${-raise}L${half - 1} 0L${half - 1 - thick} 0Z`
  const laced = random.next() < 0.4
  const bow = random.next() < 0.3
  const markup =
    path(post, { fill: random.next() < 0.5 ? paint.main : paint.second, stroke: paint.edge, width: 1.1 }) +
    path(upper, { fill: paint.fill, stroke: paint.edge, width: 1.2 }) +
    path(svg`M${-half} -0.6Q${front} -0.6 ${half * 0.2} ${-raise * 0.5 + 0.5}`, { stroke: paint.second, width: 1.4 }) +
    (laced
      ? path(
          svg`M${half * 0.85} ${-counter}Q${half * 0.6} ${-counter - 7} ${half * 0.15} ${-counter - 4}Q${half * 0.5} ${-counter + 2} ${half * 0.85} ${-counter}Z`,
          { stroke: paint.main, width: 1.8 }
        )
      : "") +
    (bow ? ellipse(front - 2, -toe - 1.5, 2.6, 1.6, { fill: paint.accent }) : "")
  return standing(random, 2 * half + 1, counter + (laced ? 6 : 1), markup)
}
