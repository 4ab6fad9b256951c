import type { SampleConfig } from "../pipeline/DataConfig.ts"
import { draw } from "../pipeline/draw.ts"
import type { Product } from "./rows.ts"
import { drawProducts, header } from "./rows.ts"

/** How a drawing becomes a file: `truncated` is cut off in its middle, `text` is a web server's error page. */
export type Encoding = "colour" | "greyscale" | "truncated" | "text"

/** One file of the folder `images`. */
export interface SampleFile {
  readonly name: string
  readonly encoding: Encoding
  readonly svg: string
}

/** A whole catalogue before it is on disk. */
export interface Catalogue {
  /** The text of `styles.csv`: LF, a header, `config.images` rows. */
  readonly styles: string
  readonly files: ReadonlyArray<SampleFile>
}

/** A fault of a row or its image; the rest of it is correct. */
type Flaw = "commaUnquoted" | "cut" | "repeated" | "noImage" | "truncated" | "text" | "otherSize" | "greyscale"

/** Each flaw with its number of rows, which is small and fixed, as they count against `data.maxRefused`. */
const flaws: ReadonlyArray<readonly [Flaw, number]> = [
  ["commaUnquoted", 2],
  ["cut", 1],
  ["repeated", 1],
  ["noImage", 2],
  ["truncated", 1],
  ["text", 1],
  ["otherSize", 1],
  ["greyscale", 8]
]

/** Which product has which flaw: spread over the catalogue, never on a small class, never on the first row. */
const placed = (seed: number, products: ReadonlyArray<Product>): ReadonlyMap<string, Flaw> => {
  const random = draw(seed, "flaws")
  const able = products.slice(1).filter(({ kind }) => kind.share >= 0.08)
  const flawed = new Map<string, Flaw>()
  for (const [flaw, count] of flaws) {
    for (let left = count; left > 0; left--) {
      const free = able.filter(({ id }) => !flawed.has(id))
      const product = free[random.below(free.length)]
      if (product !== undefined) flawed.set(product.id, flaw)
    }
  }
  return flawed
}

const quoted = (cell: string) => (cell.includes(",") ? `"${cell}"` : cell)

const rowOf = ({ cells }: Product, flaw: Flaw | undefined, first: string): string => {
  switch (flaw) {
    case "commaUnquoted":
      return `${cells.join(",")}, Limited Edition`
    case "cut":
      return cells.slice(0, 6).join(",")
    case "repeated":
      return [first, ...cells.slice(1)].map(quoted).join(",")
    default:
      return cells.map(quoted).join(",")
  }
}

const fileOf = ({ drawing, id }: Product, flaw: Flaw | undefined): ReadonlyArray<SampleFile> => {
  const name = `${id}.jpg`
  switch (flaw) {
    case "noImage":
    case "repeated":
      return []
    case "greyscale":
    case "truncated":
    case "text":
      return [{ name, encoding: flaw, svg: drawing.at(60, 80) }]
    case "otherSize":
      return [{ name, encoding: "colour", svg: drawing.at(120, 160) }]
    default:
      return [{ name, encoding: "colour", svg: drawing.at(60, 80) }]
  }
}

/**
 * The sample catalogue of a configuration: products, pictures, and a few of a real catalogue's faults.
 *
 * Two rows have an unquoted comma, one is cut short, one repeats the first row's id, two have no image; one image is
 * truncated, one is no image at all, one is twice as large (60x80 elsewhere), eight are greyscale.
 */
export const drawCatalogue = (config: SampleConfig): Catalogue => {
  const products = drawProducts(config)
  const flawed = placed(config.seed, products)
  const first = products[0]?.id ?? ""
  const rows = products.map((product) => rowOf(product, flawed.get(product.id), first))
  return {
    styles: [header.join(","), ...rows, ""].join("\n"),
    files: products.flatMap((product) => fileOf(product, flawed.get(product.id)))
  }
}
