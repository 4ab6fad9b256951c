import { assert, describe, it } from "@effect/vitest"
import { groupNames } from "../../src/pipeline/grouping.ts"

describe("groupNames", () => {
  it("joins samples by bytes, by their rows' group and by pairs, and what these tie together", () => {
    const samples = [
      { id: "a", digest: "1", group: "shirt" },
      { id: "b", digest: "2", group: "shirt" },
      { id: "c", digest: "2", group: "blouse" },
      { id: "d", digest: "3" },
      { id: "e", digest: "4" },
      { id: "f", digest: "5" },
      { id: "g", digest: "6", group: "sole" }
    ]
    const expected = [
      ["a", "blouse"],
      ["b", "blouse"],
      ["c", "blouse"],
      ["d", "d"],
      ["e", "d"],
      ["g", "sole"]
    ] as const
    assert.deepStrictEqual(
      [...groupNames(samples, [[4, 3]])],
      expected.map((pair) => [...pair])
    )
    const backwards = groupNames(samples.toReversed(), [[2, 3]])
    assert.deepStrictEqual(new Map(backwards), new Map(expected))
  })

  it("has no group where nothing ties samples", () => {
    assert.strictEqual(
      groupNames([
        { id: "a", digest: "1" },
        { id: "b", digest: "2" }
      ]).size,
      0
    )
  })
})
