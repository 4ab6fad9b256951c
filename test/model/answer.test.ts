import { assert, it } from "@effect/vitest"
import { answersOf } from "../../src/model/answer.ts"
import type { ModelColumn } from "../../src/model/Model.ts"
import { placedColumns } from "../../src/pipeline/LabelColumn.ts"

const parent = { name: "kind", classes: ["top", "shoe"], of: [0, 0, 1, null] }
const own: ReadonlyArray<ModelColumn> = [
  { name: "type", classes: ["shirt", "blouse", "boot", "gift"], values: "one", parent },
  { name: "tags", classes: ["new", "sale", "summer"], values: "several", thresholds: [0.5, 0.2, 0.9] },
  { name: "gender", classes: ["men", "women"], values: "one" }
]
const columns = placedColumns(own).map((placed, k) => ({ ...own[k]!, ...placed }))
/** Blouses for men did not occur. */
const seen = [
  {
    columns: [0, 2],
    pairs: [
      [0, 0],
      [0, 1],
      [1, 1],
      [2, 0],
      [3, 0]
    ]
  }
] as const
const answer = answersOf(columns, seen)
const everything = { top: 2, thresholds: [undefined, undefined, undefined] }

const logit = (p: number) => Math.log(p / (1 - p))
const logitsOf = (type: ReadonlyArray<number>, tags: ReadonlyArray<number>, gender: ReadonlyArray<number>) =>
  Float32Array.from([...type.map(Math.log), ...tags.map(logit), ...gender.map(Math.log)])

it("each column answers with its own probabilities, and tags by their own thresholds", () => {
  const found = answer(logitsOf([0.6, 0.2, 0.15, 0.05], [0.4, 0.3, 0.8], [0.9, 0.1]), everything)
  const [type, tags, gender] = found.columns
  assert.include(type, { label: "shirt", abstained: false })
  assert.deepStrictEqual(
    type?.classes.map(({ label, probability }) => [label, Number(probability.toFixed(4))]),
    [
      ["shirt", 0.6],
      ["blouse", 0.2]
    ]
  )
  // 0.8 is below the 0.9 of summer; 0.3 is above the 0.2 of sale.
  assert.deepInclude(tags, { labels: ["sale"] })
  assert.deepStrictEqual(
    tags?.classes.map(({ label }) => label),
    ["summer", "new"]
  )
  assert.include(gender, { label: "men" })
  assert.deepStrictEqual(found.unseenPairs, [])
})

it("an unsure class answers with the one above it, where that is sure enough", () => {
  const logits = logitsOf([0.41, 0.39, 0.15, 0.05], [0.1, 0.1, 0.1], [0.5, 0.5])
  const at = (threshold: number) => answer(logits, { top: 1, thresholds: [threshold, undefined, undefined] }).columns[0]
  const unsure = at(0.75)
  assert.deepInclude(unsure, { label: null, abstained: true })
  assert.deepInclude(unsure && "parent" in unsure ? unsure.parent : undefined, { column: "kind", label: "top" })
  assert.approximately((unsure && "parent" in unsure ? unsure.parent?.probability : undefined) ?? 0, 0.8, 1e-6)
  assert.notProperty(at(0.85), "parent")
  assert.notProperty(at(0.4), "parent")
  assert.include(at(0.4), { label: "shirt", abstained: false })
})

it("two values that never occurred together are named, also where an answer was left open", () => {
  const logits = logitsOf([0.2, 0.5, 0.2, 0.1], [0.1, 0.1, 0.1], [0.7, 0.3])
  const wanted = [{ columns: ["type", "gender"], values: ["blouse", "men"] }] as const
  assert.deepStrictEqual(answer(logits, everything).unseenPairs, wanted)
  assert.deepStrictEqual(answer(logits, { top: 1, thresholds: [0.9, undefined, 0.9] }).unseenPairs, wanted)
})

it("what is no number is left open", () => {
  const logits = new Float32Array(9).fill(Number.NaN)
  const [type, tags] = answer(logits, { top: 1, thresholds: [0, undefined, undefined] }).columns
  assert.include(type, { abstained: true, label: null })
  assert.deepInclude(tags, { labels: [] })
})
