import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { lossSettings } from "../../src/model/lossSettings.ts"
import { TrainConfig } from "../../src/model/TrainConfig.ts"
import type { LabelColumn } from "../../src/pipeline/LabelColumn.ts"

const train = Schema.decodeSync(TrainConfig)
const kinds: LabelColumn = { name: "kind", classes: ["cap", "glove", "scarf"], values: "one" }
const tags: LabelColumn = { name: "tags", classes: ["new", "red", "wool"], values: "several" }

/** Four samples of one column: two caps, a glove, a scarf. */
const single = [0, 1, 0, 2].map((label) => ({ label }))

/** Of eight samples six have a known kind, of which no glove, and four have known tags: red always, new once. */
const several = [
  { label: 0, labels: [[0], [1]] },
  { label: 0, labels: [[0], [0, 1]] },
  { label: 0, labels: [[0], undefined] },
  { label: 2, labels: [[2], undefined] },
  { label: -1, labels: [undefined, [1]] },
  { label: 0, labels: [[0], undefined] },
  { label: -1, labels: [undefined, [1]] },
  { label: 2, labels: [[2], undefined] }
]

const near = (actual: ArrayLike<number> | undefined, expected: ReadonlyArray<number>) => {
  assert.strictEqual(actual?.length, expected.length)
  for (const [i, x] of expected.entries()) assert.approximately(actual?.[i] ?? Number.NaN, x, 1e-6, `number ${i}`)
}

describe("the loss of a training", () => {
  it("is the plain one by default, in one column and in several", () => {
    const plain = { labelSmoothing: 0, classWeights: undefined }
    assert.deepStrictEqual(lossSettings(train({}), [kinds], [{}], single), plain)
    assert.deepStrictEqual(lossSettings(train({}), [kinds, tags], [{}, { weight: 1 }], several), plain)
  })

  it("has each column's own weight, where one is not 1", () => {
    const { lossWeights } = lossSettings(train({}), [kinds, tags], [{}, { weight: 0.5 }], several)
    assert.deepStrictEqual(lossWeights, [1, 0.5])
  })

  it("balances the classes of each column by its known samples", () => {
    const balanced = train({ classWeights: "balanced" })
    near(lossSettings(balanced, [kinds], [{}], single).classWeights, [4 / 6, 4 / 3, 4 / 3])
    // Of the kinds 6 / (3 n), and of the tags (4 - n) / n, but 1 where all samples or none have the tag.
    near(lossSettings(balanced, [kinds, tags], [{}, {}], several).classWeights, [6 / 12, 0, 6 / 6, 3, 1, 1])
  })

  it("adjusts the logits by the logarithm of a class's share, and of a tag's odds, times tau", () => {
    const { adjustment, focal } = lossSettings(train({ logitAdjustment: 2, focal: 1.5 }), [kinds], [{}], single)
    near(adjustment, [2 * Math.log(2 / 4), 2 * Math.log(1 / 4), 2 * Math.log(1 / 4)])
    assert.strictEqual(focal, 1.5)
    near(
      lossSettings(train({ logitAdjustment: 1 }), [kinds, tags], [{}, {}], several).adjustment,
      [4 / 6, 1 / 6, 2 / 6, 1 / 3, 4 / 1, 1 / 4].map(Math.log)
    )
  })
})
