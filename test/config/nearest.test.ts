import { assert, describe, it } from "@effect/vitest"
import { nearest } from "../../src/config/nearest.ts"

describe("nearest", () => {
  it("names what a third of the characters at most tell apart, case aside", () => {
    for (const [text, candidates, expected] of [
      ["lable", ["id", "label"], "label"],
      ["ids", ["red", "id"], "id"],
      ["ID", ["name", "id"], "id"],
      ["learningrate", ["train.learningRate", "learningRate"], "learningRate"],
      ["T-Shirts", ["Tops", "Tshirts"], "Tshirts"],
      ["id", ["red", "r00"], undefined],
      ["id", [""], undefined],
      ["", ["a", "id"], undefined],
      ["id", ["i\0d\0", "\u0002\u0001"], undefined],
      ["ab", ["cd", "xy"], undefined],
      ["label", ["table"], undefined],
      ["x".repeat(5_000_000), ["x".repeat(5_000_000)], undefined]
    ] as const)
      assert.strictEqual(nearest(text, candidates), expected, text.slice(0, 20))
  })
})
