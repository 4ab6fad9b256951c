import { draw } from "../../../../src/pipeline/draw.ts"
import type { Arrival } from "../../../../src/run/serve/Item.ts"

/** A digest that no image has. */
export const digestOf = (n: number): string => (n + 1).toString(16).padStart(64, "0")

export const labels = ["Shirts", "Jeans", "Watches", "Handbags", "Heels", "Socks"]

/** An uploaded image, with suggestions for each column that depend on its number alone. */
export const uploaded = (n: number, columns: ReadonlyArray<string> = ["articleType"], model = "m1"): Arrival => {
  const random = draw("desk", n)
  return {
    digest: digestOf(n),
    name: `photo-${n}.jpg`,
    origin: "inbox",
    rows: [],
    part: null,
    suggestions: columns.map((column) => {
      const first = 0.4 + 0.6 * random.next()
      const at = random.below(labels.length)
      return {
        column,
        model,
        run: "runs/shop",
        top: [
          { label: labels[at] ?? "", probability: first },
          { label: labels[(at + 1) % labels.length] ?? "", probability: (1 - first) * random.next() }
        ]
      }
    })
  }
}
