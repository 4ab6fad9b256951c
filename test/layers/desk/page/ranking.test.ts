import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { parse } from "csv-parse/sync"
import { byFrequency, keysFor, rank } from "../../../../src/layers/desk/page/client/ranking.ts"
import type { Frequent } from "../../../../src/layers/desk/page/client/ranking.ts"

const catalogue = "../shared/datasets/fashion-product-images-small/styles.csv"

const shoes = byFrequency([
  { label: "Shoe Laces", frequency: 11 },
  { label: "Sports Shoes", frequency: 2000 },
  { label: "Shirts", frequency: 3000 },
  { label: "Casual Shoes", frequency: 2800 },
  { label: "Crème", frequency: 5 },
  { label: "Tops", frequency: 1700 },
  { label: "Flip Flops", frequency: 900 }
])

/** How often each class of the real catalogue occurs, of those with 50 rows. */
const realClasses = (): ReadonlyArray<Frequent> => {
  const rows = Schema.decodeUnknownSync(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))(
    parse(readFileSync(catalogue), { columns: true, relax_column_count: true })
  )
  const counts = new Map<string, number>()
  // Rows with more cells than the header are refused by the pipeline too.
  for (const row of rows) {
    const label = row["articleType"]
    if (typeof label === "string" && Object.keys(row).length === 10) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return byFrequency([...counts].filter(([, count]) => count >= 50).map(([label, frequency]) => ({ label, frequency })))
}

const meanKeys = (classes: ReadonlyArray<Frequent>, digits: boolean) => {
  const keys = classes.map(({ frequency, label }) => ({ frequency, keys: keysFor(label, classes, { digits }) }))
  const all = keys.reduce((sum, one) => sum + one.frequency, 0)
  return {
    mean: keys.reduce((sum, one) => sum + one.frequency * one.keys, 0) / all,
    most: Math.max(...keys.map((one) => one.keys))
  }
}

describe("type-ahead", () => {
  it("puts names that begin with the letters before words, abbreviations and parts, each by frequency", () => {
    assert.deepStrictEqual(rank(shoes, "sh"), ["Shirts", "Shoe Laces", "Casual Shoes", "Sports Shoes"])
    assert.deepStrictEqual(rank(shoes, "s"), [
      "Shirts",
      "Sports Shoes",
      "Shoe Laces",
      "Casual Shoes",
      "Tops",
      "Flip Flops"
    ])
    assert.deepStrictEqual(rank(shoes, "ops"), ["Tops", "Flip Flops"])
  })
  it("finds a class by the initials of its words", () => {
    assert.strictEqual(rank(shoes, "ff")[0], "Flip Flops")
    assert.strictEqual(rank(shoes, "cs")[0], "Casual Shoes")
  })
  it("does not ask for capitals and accents", () => {
    assert.deepStrictEqual(rank(shoes, " CREME"), ["Crème"])
    assert.deepStrictEqual(rank(shoes, "crè"), ["Crème"])
  })
  it("gives every class, the most frequent first, before anything is typed, and none for what nothing has", () => {
    assert.deepStrictEqual(rank(shoes, "").slice(0, 2), ["Shirts", "Casual Shoes"])
    assert.deepStrictEqual(rank(shoes, "xyz"), [])
  })
  it("counts the arrows for a name that another begins with", () => {
    const classes = byFrequency([
      { label: "Top Hats", frequency: 90 },
      { label: "Top", frequency: 1 }
    ])
    assert.strictEqual(keysFor("Top", classes, { digits: false }), 5)
    assert.strictEqual(keysFor("Top", classes, { digits: true }), 2)
  })

  it.skipIf(!existsSync(catalogue))(
    "takes 2.6 keys on average over the 70 classes of the real catalogue, and 2.05 with digits",
    () => {
      const classes = realClasses()
      assert.strictEqual(classes.length, 70)
      const letters = meanKeys(classes, false)
      assert.isAtMost(letters.mean, 2.6)
      const digits = meanKeys(classes, true)
      assert.isAtMost(digits.mean, 2.05)
      assert.isAtMost(digits.most, 3)
    }
  )
})
