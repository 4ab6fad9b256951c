import { assert, it } from "@effect/vitest"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { boundOf, confusedPairs, enoughSamples, hardestClasses } from "../../src/metrics/confusedPairs.ts"

const labels = ["shirt", "shoe", "sock", "scarf"]
const confusion: Confusion.Confusion = {
  classes: 4,
  counts: Float64Array.from(
    [
      [60, 10, 30, 0], // shirt
      [0, 40, 0, 10], // shoe
      [30, 0, 10, 0], // sock
      [0, 0, 0, 0] // scarf: none
    ].flat()
  )
}

it("the most confused pairs come by count, then by share of the true class", () => {
  assert.deepStrictEqual(confusedPairs(confusion, labels, 10), [
    { trueLabel: "sock", predictedLabel: "shirt", count: 30, share: 0.75, support: 40 },
    { trueLabel: "shirt", predictedLabel: "sock", count: 30, share: 0.3, support: 100 },
    { trueLabel: "shoe", predictedLabel: "scarf", count: 10, share: 0.2, support: 50 },
    { trueLabel: "shirt", predictedLabel: "shoe", count: 10, share: 0.1, support: 100 }
  ])
  assert.lengthOf(confusedPairs(confusion, labels, 2), 2)
})

it("the hardest classes come by F1, and classes without samples are none of them", () => {
  const hardest = hardestClasses(confusion, labels, 10)
  assert.deepStrictEqual(
    hardest.map(({ label, support }) => [label, support]),
    [
      ["sock", 40],
      ["shirt", 100],
      ["shoe", 50]
    ]
  )
  assert.strictEqual(hardest[0]?.f1, 0.25)
  assert.lengthOf(hardestClasses(confusion, labels, 1), 1)
})

it("among classes that were never recognised, the larger one is the harder", () => {
  const wrong = Confusion.add(Confusion.empty(4), [0, 1, 1, 2, 2], [3, 3, 3, 3, 2])
  assert.deepStrictEqual(
    hardestClasses(wrong, labels, 2).map(({ label }) => label),
    ["shoe", "shirt"]
  )
})

it("classes of one sample, or of too few, come behind those of which something is known", () => {
  const counts = [
    [90, 6, 0, 4], // shirt
    [1, enoughSamples - 1, 0, 0], // shoe: just enough
    [0, 0, 0, 1], // sock: one sample, and that is wrong
    [enoughSamples - 2, 0, 0, 1] // scarf: one too few, nearly all wrong
  ]
  const rare: Confusion.Confusion = { classes: 4, counts: Float64Array.from(counts.flat()) }
  assert.deepStrictEqual(
    confusedPairs(rare, labels, 10).map(({ predictedLabel, trueLabel }) => `${trueLabel} ${predictedLabel}`),
    ["shirt shoe", "shirt scarf", "shoe shirt", "scarf shirt", "sock scarf"]
  )
  assert.deepStrictEqual(
    hardestClasses(rare, labels, 10).map(({ label }) => label),
    ["shoe", "shirt", "sock", "scarf"]
  )
  assert.strictEqual(boundOf(confusedPairs(rare, labels, 10)), "classes with 10 or more samples first")
  assert.strictEqual(
    boundOf(confusedPairs(rare, labels, 10).slice(3)),
    "each of fewer than 10 samples: little is known"
  )
})
