import { assert, describe, it } from "@effect/vitest"
import type { StoredPredictions } from "../../src/model/StoredPredictions.ts"
import { unseenAmong, unseenPairs } from "../../src/model/unseenPairs.ts"

const seen = [
  {
    columns: [0, 2] as const,
    pairs: [
      [0, 0],
      [1, 0],
      [1, 1]
    ] as const
  }
]
const sample = (id: string, labels: ReadonlyArray<ReadonlyArray<number> | null>) => ({
  id,
  file: `${id}.jpg`,
  digest: id,
  label: labels[0]?.[0] ?? -1,
  labels
})
// Each row: two kinds, two tags, two genders.
const rows = [
  [9, 0, 1, 1, 9, 0], // Shirt, Men: seen
  [9, 0, 1, 1, 0, 9], // Shirt, Women: never together; the gender is wrong
  [0, 9, 1, 1, 0, 9], // Saree, Women: seen, and the kind is wrong
  [9, 0, 1, 1, 0, 9], // Shirt, Women: never together; neither is known
  [9, 0, 1, 1, 0, 9] //  Shirt, Women: never together, and right all the same
]
const stored: StoredPredictions = {
  part: "test",
  labels: ["Shirt", "Saree"],
  columns: [
    { name: "kind", classes: ["Shirt", "Saree"], values: "one" },
    { name: "tags", classes: ["a", "b"], values: "several" },
    { name: "gender", classes: ["Men", "Women"], values: "one" }
  ],
  samples: [
    sample("s0", [[0], [1], [0]]),
    sample("s1", [[0], null, [0]]),
    sample("s2", [[0], [0], [1]]),
    sample("s3", [null, [0], null]),
    sample("s4", [[0], [0], [1]])
  ],
  logits: Float32Array.from(rows.flat())
}

describe("predictions that never occur together in training", () => {
  it("are found by pairs of columns", () => {
    assert.deepStrictEqual(unseenAmong(seen)([0, 0, 1]), [[0, 2]])
    assert.deepStrictEqual(unseenAmong(seen)([1, 0, 1]), [])
    assert.deepStrictEqual(unseenAmong([])([0, 0, 1]), [])
  })

  it("are counted and listed, with how often one of the two is wrong", () => {
    const pair = { columns: ["kind", "gender"] as const, values: ["Shirt", "Women"] as const }
    assert.deepStrictEqual(unseenPairs(stored, seen), {
      samples: 5,
      flagged: 3,
      wrong: { flagged: 1, others: 1 },
      pairs: [
        { id: "s1", ...pair, wrong: true },
        { id: "s3", ...pair, wrong: null },
        { id: "s4", ...pair, wrong: false }
      ]
    })
  })
})
