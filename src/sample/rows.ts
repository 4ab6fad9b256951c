import type { Draw } from "../pipeline/draw.ts"
import { draw } from "../pipeline/draw.ts"
import type { SampleConfig } from "../pipeline/DataConfig.ts"
import type { Drawing } from "./drawing.ts"
import { drawProduct } from "./drawing.ts"
import type { Kind } from "./Kind.ts"
import { kinds } from "./kinds.ts"

/** One product of the catalogue: its cells in the CSV's order, and its picture. */
export interface Product {
  readonly id: string
  readonly kind: Kind
  readonly cells: ReadonlyArray<string>
  readonly drawing: Drawing
}

/** The columns of `styles.csv`. */
export const header = [
  "id",
  "gender",
  "masterCategory",
  "subCategory",
  "articleType",
  "baseColour",
  "season",
  "year",
  "usage",
  "tags",
  "productDisplayName"
] as const

/** Names of makers, invented. */
const brands = [
  "Alder Row",
  "Brinewood",
  "Calver",
  "Dunmoor",
  "Eastwick Lane",
  "Fennath",
  "Gildenhay",
  "Harrowby",
  "Inverlea",
  "Juniper Yard",
  "Kestrin",
  "Lowmere"
] as const

const words = {
  plain: ["Solid", "Classic", "Basic", "Essential"],
  striped: ["Striped"],
  checked: ["Check"],
  dotted: ["Polka Dot"],
  printed: ["Printed", "Floral"]
} as const

/** From which luminance on a colour is light, and below which it is dark. */
const lights = { light: 0.7, dark: 0.35 } as const

/**
 * Several values in a cell, of what can be seen: the pattern, how light the main colour is, and whether the kind is worn on
 * the feet, carried, or neither.
 */
const tagsOf = ({ masterCategory, subCategory }: Kind, { light, pattern }: Drawing["paint"]): string =>
  [
    ...(light >= lights.light ? ["light"] : light < lights.dark ? ["dark"] : []),
    pattern,
    ...(masterCategory === "Footwear" ? ["shoe"] : []),
    ...(subCategory === "Bags" ? ["carried"] : [])
  ].join(";")

const pick = <A>(random: Draw, values: readonly [A, ...ReadonlyArray<A>]): A =>
  values[random.below(values.length)] ?? values[0]

const cellsOf = (random: Draw, id: string, kind: Kind, drawing: Drawing) => {
  const { articleType, masterCategory, noun, subCategory } = kind
  const gender = pick(random, ["Men", "Men", "Men", "Women", "Women", "Women", "Unisex", "Boys", "Girls"])
  const { colour, pattern } = drawing.paint
  const season = random.next() < 0.02 ? "" : pick(random, ["Summer", "Summer", "Fall", "Winter", "Spring"])
  const year = random.next() < 0.02 ? "" : String(2010 + random.below(8))
  const usage = pick(random, ["Casual", "Casual", "Casual", "Casual", "Formal", "Sports", "Ethnic", "Party"])
  const name = [pick(random, brands), gender, pick(random, words[pattern]), colour, noun].join(" ")
  // A few names hold a comma, rightly quoted.
  const display = random.next() < 0.01 ? `${name}, Pack of ${2 + random.below(2)}` : name
  const tags = tagsOf(kind, drawing.paint)
  return [id, gender, masterCategory, subCategory, articleType, colour, season, year, usage, tags, display]
}

/** How many rows of `total` each kind gets: its share, rounded down, the rest by the largest remainders. */
const countsOf = (total: number): ReadonlyArray<number> => {
  const exact = kinds.map(({ share }) => share * total)
  const counts = exact.map(Math.floor)
  const left = total - counts.reduce((sum, n) => sum + n, 0)
  const byRemainder = exact.map((n, i) => [n - Math.floor(n), i] as const).sort(([a, i], [b, j]) => b - a || i - j)
  for (const [, i] of byRemainder.slice(0, left)) counts[i] = (counts[i] ?? 0) + 1
  return counts
}

/** The values in an order that depends on the stream alone (Fisher and Yates). */
const shuffled = <A>(random: Draw, values: ReadonlyArray<A>): ReadonlyArray<A> => {
  const out = [...values]
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    // Both indices lie inside the array.
    ;[out[i], out[j]] = [out[j] as A, out[i] as A]
  }
  return out
}

/** All products of a catalogue in the order of their rows: `config.images` of them, ids unique but not in order. */
export const drawProducts = ({ images, seed }: SampleConfig): ReadonlyArray<Product> => {
  const random = draw(seed, "catalogue")
  let last = 1000
  const ids = shuffled(
    random,
    Array.from({ length: images }, () => (last += 1 + random.below(24)))
  )
  const order = shuffled(
    random,
    countsOf(images).flatMap((count, i) =>
      kinds.slice(i, i + 1).flatMap((kind) => Array.from({ length: count }, () => kind))
    )
  )
  return order.map((kind, i) => {
    const id = String(ids[i])
    const drawing = drawProduct(seed, id, kind)
    return { id, kind, cells: cellsOf(draw(seed, id, "row"), id, kind, drawing), drawing }
  })
}
