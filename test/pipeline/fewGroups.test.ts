import { assert, it } from "@effect/vitest"
import { fewGroupsNote } from "../../src/pipeline/fewGroups.ts"

const groups = new Map([
  ["a", "one"],
  ["b", "one"]
])

it("a class that a part lacks is named with its rows and groups", () => {
  const sample = (id: string, label: number) => ({ id, label })
  const parts = { train: [sample("a", 0), sample("b", 0), sample("c", 1)], validation: [], test: [sample("d", 1)] }
  assert.deepStrictEqual(fewGroupsNote(parts, ["boot", "coat"], groups), [
    'classes with too few groups to be in every part: "boot" (2 rows in 1 group, no test row)'
  ])
})

it("in a column with several values a row counts for each of them, and one that is not known for none", () => {
  const sample = (id: string, own: ReadonlyArray<number> | undefined) => ({ id, label: -1, labels: [own] })
  const parts = {
    train: [sample("a", [0, 1]), sample("b", [0]), sample("c", [1])],
    validation: [],
    test: [sample("d", [1]), sample("e", undefined)]
  }
  assert.deepStrictEqual(fewGroupsNote(parts, ["new", "sale"], groups), [
    'classes with too few groups to be in every part: "new" (2 rows in 1 group, no test row)'
  ])
})
