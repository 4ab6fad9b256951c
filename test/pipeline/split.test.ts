import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { draw } from "../../src/pipeline/draw.ts"
import { split } from "../../src/pipeline/split.ts"

/** As many samples of each class as the sizes say. */
const samplesOf = (sizes: ReadonlyArray<number>) =>
  sizes.flatMap((size, label) => Array.from({ length: size }, (_, i) => ({ id: `${label}-${i}`, label })))

const shuffled = <A>(things: ReadonlyArray<A>): ReadonlyArray<A> => {
  const { next } = draw("shuffled")
  return things
    .map((thing) => ({ thing, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ thing }) => thing)
}

const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 60 })))
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 45 }))

describe("split", () => {
  it.effect.prop(
    "puts every sample in one part, and every class in every part; the samples' order is of no account",
    { sizes: Sizes, seed: Schema.Int, validation: Percent, test: Percent },
    ({ seed, sizes, test, validation }) =>
      Effect.sync(() => {
        const samples = samplesOf(sizes)
        const config = { train: 1 - validation / 100 - test / 100, validation: validation / 100, test: test / 100 }
        const parts = split(samples, config, seed)
        const all = [...parts.train, ...parts.validation, ...parts.test]
        assert.strictEqual(all.length, samples.length)
        assert.strictEqual(new Set(all).size, samples.length)
        for (const part of ["train", "validation", "test"] as const) {
          const labels = new Set(parts[part].map(({ label }) => label))
          assert.strictEqual(labels.size, config[part] > 0 ? sizes.length : 0)
        }
        assert.deepStrictEqual(split(shuffled(samples), config, seed), parts)
      })
  )

  it("rounds each class's counts", () => {
    const counts = (size: number) => {
      const parts = split(samplesOf([size]), { train: 0.8, validation: 0.1, test: 0.1 }, 1)
      return [parts.train.length, parts.validation.length, parts.test.length]
    }
    assert.deepStrictEqual(counts(3), [1, 1, 1])
    assert.deepStrictEqual(counts(4), [2, 1, 1])
    assert.deepStrictEqual(counts(10), [8, 1, 1])
    assert.deepStrictEqual(counts(52), [42, 5, 5])
    assert.deepStrictEqual(counts(58), [46, 6, 6])
    assert.deepStrictEqual(counts(1000), [800, 100, 100])
  })

  it("draws other parts from another seed", () => {
    const config = { train: 0.8, validation: 0.1, test: 0.1 }
    const ids = (seed: number) => split(samplesOf([200]), config, seed).test.map(({ id }) => id)
    assert.notDeepEqual(ids(1), ids(2))
    assert.deepStrictEqual(ids(1), ids(1))
  })

  it("leaves a sample where it is when others of its class come or go, but for the ones at the borders", () => {
    const config = { train: 0.8, validation: 0.1, test: 0.1 }
    const few = new Set(split(samplesOf([200]), config, 1).train.map(({ id }) => id))
    const more = new Set(split(samplesOf([220]), config, 1).train.map(({ id }) => id))
    assert.isAbove([...few].filter((id) => more.has(id)).length, 150)
  })
})
