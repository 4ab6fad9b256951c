import { assert, describe, it } from "@effect/vitest"
import { dropoutMask } from "../../src/model/dropoutMask.ts"
import { draw } from "../../src/pipeline/draw.ts"

const at = { seed: 5, step: 3, block: "classifier.0", rate: 0.2 }

describe("a dropout mask", () => {
  it("is drawn in the values' order from seed, step and block, however often and whenever it is asked for", () => {
    const random = draw(5, 3, "dropout", "classifier.0")
    const expected = Float32Array.from({ length: 1000 }, () => (random.next() >= 0.2 ? 1 / 0.8 : 0))
    assert.deepStrictEqual(dropoutMask(at, 1000), expected)
    for (let step = 4; step < 40; step++) dropoutMask({ ...at, step }, 1000)
    assert.deepStrictEqual(dropoutMask(at, 1000), expected)
  })

  it("is another one where anything that it depends on is", () => {
    const others = [{ seed: 6 }, { step: 4 }, { block: "classifier.1" }, { rate: 0.3 }]
    const masks = [at, ...others.map((other) => ({ ...at, ...other }))].map((one) => dropoutMask(one, 1000).join())
    assert.strictEqual(new Set(masks).size, 5)
    assert.deepStrictEqual(dropoutMask(at, 7), dropoutMask(at, 1000).slice(0, 7))
  })

  it("keeps the share of values that it should, each made larger by as much", () => {
    const mask = dropoutMask({ ...at, rate: 0.5 }, 20_000)
    assert.closeTo(mask.reduce((sum, factor) => sum + factor, 0) / mask.length, 1, 0.02)
    assert.deepStrictEqual(new Set(mask), new Set([0, 2]))
  })
})
