import { assert, it } from "@effect/vitest"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { confusedPairs, hardestClasses } from "../../src/metrics/confusedPairs.ts"

const labels = ["shirt", "shoe", "sock", "scarf"]
const confusion: Confusion.Confusion = {
  classes: 4,
  counts: Float64Array.from(
    [
      [6, 1, 3, 0], // shirt
      [0, 4, 0, 1], // shoe
      [3, 0, 1, 0], // sock
      [0, 0, 0, 0] // scarf: none
    ].flat()
  )
}

it("the most confused pairs come by count, then by share of the true class", () => {
  assert.deepStrictEqual(confusedPairs(confusion, labels, 10), [
    { trueLabel: "sock", predictedLabel: "shirt", count: 3, share: 0.75 },
    { trueLabel: "shirt", predictedLabel: "sock", count: 3, share: 0.3 },
    { trueLabel: "shoe", predictedLabel: "scarf", count: 1, share: 0.2 },
    { trueLabel: "shirt", predictedLabel: "shoe", count: 1, share: 0.1 }
  ])
  assert.lengthOf(confusedPairs(confusion, labels, 2), 2)
})

it("the hardest classes come by F1, and classes without samples are none of them", () => {
  const hardest = hardestClasses(confusion, labels, 10)
  assert.deepStrictEqual(
    hardest.map(({ label, support }) => [label, support]),
    [
      ["sock", 4],
      ["shirt", 10],
      ["shoe", 5]
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
