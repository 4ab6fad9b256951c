import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { keyOf } from "../../src/pipeline/draw.ts"
import { drawCatalogue } from "../../src/sample/catalogue.ts"
import { kinds } from "../../src/sample/kinds.ts"
import { drawProducts, header } from "../../src/sample/rows.ts"
import { svg } from "../../src/sample/svg.ts"

const config = { images: 2000, seed: 1 }
const catalogue = drawCatalogue(config)
const lines = catalogue.styles.split("\n")
const rows = lines.slice(1, -1)
/** Enough of CSV for the catalogue's own: a quoted last cell may hold commas. */
const cells = (row: string) => row.replaceAll(/"[^"]*"/g, "quoted").split(",")
const sound = rows.map(cells).filter(({ length }) => length === header.length)
const ids = sound.map(([id]) => id ?? "")

const countBy = (values: ReadonlyArray<string>) => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

describe("the sample catalogue", () => {
  it("has the fashion catalogue's header and as many rows as configured", () => {
    assert.strictEqual(
      lines[0],
      "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,tags,productDisplayName"
    )
    assert.strictEqual(rows.length, 2000)
    assert.strictEqual(lines.at(-1), "")
  })

  it("has a long tail: the largest class under 22 %, 14 classes of at least 2 %, two too rare", () => {
    const counts = [...countBy(sound.map((row) => row[4] ?? "")).values()].sort((a, b) => b - a)
    assert.strictEqual(counts.length, 16)
    assert.isBelow(counts[0] ?? 0, 0.22 * 2000)
    assert.isAbove(counts[0] ?? 0, 5 * (counts[13] ?? 0))
    assert.isAtLeast(counts[13] ?? 0, 0.02 * 2000)
    assert.isBelow(counts[14] ?? 0, 20)
    assert.closeTo(
      kinds.reduce((sum, { share }) => sum + share, 0),
      1,
      1e-9
    )
  })

  it("has the real catalogue's faults, a few of each", () => {
    assert.strictEqual(rows.filter((row) => cells(row).length === 12).length, 2)
    assert.strictEqual(rows.filter((row) => cells(row).length === 6).length, 1)
    assert.strictEqual(ids.length - new Set(ids).size, 1)
    const files = new Set(catalogue.files.map(({ name }) => name))
    assert.strictEqual(files.size, catalogue.files.length)
    assert.strictEqual(ids.filter((id) => !files.has(`${id}.jpg`)).length, 2)
    const encodings = countBy(catalogue.files.map(({ encoding }) => encoding))
    assert.deepStrictEqual(Object.fromEntries(encodings), {
      colour: catalogue.files.length - 10,
      greyscale: 8,
      truncated: 1,
      text: 1
    })
    assert.strictEqual(catalogue.files.filter((file) => file.svg.includes('width="120" height="160"')).length, 1)
    assert.isAbove(sound.filter((row) => row[6] === "").length, 5)
    assert.isAbove(sound.filter((row) => row[7] === "").length, 5)
    assert.isAbove(rows.filter((row) => row.includes('"')).length, 5)
  })

  it("has columns with several classes each to learn beside the kind, and one with several values in a cell", () => {
    const column = (name: (typeof header)[number]) => sound.map((row) => row[header.indexOf(name)] ?? "")
    const tags = countBy(column("tags").flatMap((cell) => cell.split(";")))
    assert.deepStrictEqual([...tags.keys()].sort(), [
      "carried",
      "checked",
      "dark",
      "dotted",
      "light",
      "plain",
      "printed",
      "shoe",
      "striped"
    ])
    for (const [tag, count] of tags) assert.isAtLeast(count, 100, tag)
    for (const name of ["baseColour", "gender", "masterCategory", "subCategory"] as const)
      assert.isAtLeast(countBy(column(name)).size, 3, name)
  })

  it("gives every kind the same colours", () => {
    const products = drawProducts({ images: 3000, seed: 3 })
    const overall = countBy(products.map(({ drawing }) => drawing.paint.colour))
    for (const kind of kinds.slice(0, 14)) {
      const own = products.filter((product) => product.kind === kind)
      const colours = countBy(own.map(({ drawing }) => drawing.paint.colour))
      // Pearson's statistic with 13 degrees of freedom: above 42.6 in one of 10,000 draws.
      const statistic = [...overall].reduce((sum, [name, count]) => {
        const expected = (count / products.length) * own.length
        return sum + ((colours.get(name) ?? 0) - expected) ** 2 / expected
      }, 0)
      assert.isBelow(statistic, 42.6, kind.articleType)
    }
  })

  it("writes numbers with two decimals and draws no text, so that no font and no last bit shows", () => {
    assert.strictEqual(svg`${1 / 3} ${-0.001} ${2} ${-1.005}`, "0.33 0 2 -1")
    for (const file of catalogue.files) {
      assert.notMatch(file.svg, /\d\.\d{3}|\de[+-]?\d|NaN|undefined|Infinity|<text|font/, file.name)
    }
  })

  it.effect.prop(
    "depends on its configuration and on nothing else",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))],
    ([seed]) =>
      Effect.sync(() => {
        const [once, again] = [drawCatalogue({ images: 200, seed }), drawCatalogue({ images: 200, seed })]
        assert.deepStrictEqual(once, again)
        assert.notStrictEqual(once.styles, drawCatalogue({ images: 200, seed: seed + 1 }).styles)
      }),
    { arbitrary: { runs: 5 } }
  )

  it("is the same on every machine: change these digests only with the drawings", () => {
    const pictures = catalogue.files.reduce((key, { encoding, name, svg }) => keyOf(key, name, encoding, svg), 0)
    assert.deepStrictEqual([keyOf(catalogue.styles), pictures], [396195953, 3024192409])
  })
})
