import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { intBetween } from "../../src/config/Setting.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { foldsOf, withFold } from "../../src/pipeline/folds.ts"
import { split } from "../../src/pipeline/split.ts"
import scikitLearn from "./folds.json" with { type: "json" }

const samplesOf = (sizes: ReadonlyArray<number>) =>
  sizes.flatMap((size, label) => Array.from({ length: size }, (_, i) => ({ id: `${label}-${i}`, label })))

const shuffled = <A>(things: ReadonlyArray<A>): ReadonlyArray<A> => {
  const { next } = draw("shuffled")
  return things
    .map((thing) => ({ thing, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ thing }) => thing)
}

describe("folds", () => {
  it("have as many samples of each class as scikit-learn's StratifiedKFold gives them", () => {
    for (const { counts, folds, sizes } of scikitLearn) {
      const found = foldsOf(shuffled(samplesOf(sizes)), folds, 3).map((fold) =>
        sizes.map((_, label) => fold.filter((one) => one.label === label).length)
      )
      assert.deepStrictEqual(found, counts)
    }
  })

  /** Of each class, groups of these sizes; a group may have two samples of the class before as well. */
  const Classes = Schema.Array(
    Schema.Array(Schema.Struct({ size: intBetween(1, 6), mixed: Schema.Literals([0, 0, 0, 0, 2]) })).check(
      Schema.isBetweenLength(1, 30)
    )
  ).check(Schema.isBetweenLength(1, 5))
  it.effect.prop(
    "divide the samples, keep groups in one fold and classes near their share, whatever the samples' order",
    { classes: Classes, folds: intBetween(2, 8), seed: Schema.Int },
    ({ classes, folds, seed }) =>
      Effect.sync(() => {
        const groups = new Map<string, string>()
        const samples = classes.flatMap((sizes, label) =>
          sizes.flatMap(({ mixed, size }, group) =>
            Array.from({ length: size + mixed }, (_, i) => {
              const id = `${label}-${group}-${i}`
              groups.set(id, `${label}-${group}`)
              return { id, label: i < size ? label : Math.max(0, label - 1) }
            })
          )
        )
        const found = foldsOf(samples, folds, seed, groups)
        assert.lengthOf(found, folds)
        const all = found.flat()
        assert.strictEqual(all.length, samples.length)
        assert.strictEqual(new Set(all).size, samples.length)
        const groupsIn = found.reduce((sum, fold) => sum + new Set(fold.map(({ id }) => groups.get(id))).size, 0)
        assert.strictEqual(groupsIn, new Set(groups.values()).size)
        const isPlain = classes.every((sizes) => sizes.every(({ mixed }) => mixed === 0))
        if (isPlain)
          classes.forEach((sizes, label) => {
            const rows = sizes.reduce((sum, { size }) => sum + size, 0)
            const largest = Math.max(...sizes.map(({ size }) => size))
            for (const fold of found) {
              const here = fold.filter((one) => one.label === label).length
              assert.isAtMost(Math.abs(here - rows / folds), 2 * largest + 1)
              if (sizes.length >= folds && rows >= folds) assert.isAbove(here, 0)
            }
          })
        assert.deepStrictEqual(foldsOf(shuffled(samples), folds, seed, groups), found)
      })
  )

  it.effect.prop(
    "leave the test part as it is, and hold each other sample once to validate",
    { sizes: Schema.Array(intBetween(3, 40)), folds: intBetween(2, 6), seed: Schema.Int, own: intBetween(0, 9) },
    ({ folds, own, seed, sizes }) =>
      Effect.sync(() => {
        const samples = samplesOf(sizes)
        const parts = split(samples, { train: 0.7, validation: 0.1, test: 0.2 }, seed)
        const all = Array.from(
          { length: folds },
          (_, i) =>
            withFold({ parts, notes: [] }, { number: i + 1, of: folds, seed: own }, seed, new Map<string, string>())
              .parts
        )
        for (const { test, train, validation } of all) {
          assert.deepStrictEqual(test, parts.test)
          assert.strictEqual(new Set([...train, ...validation, ...test]).size, samples.length)
          assert.strictEqual(train.length + validation.length + test.length, samples.length)
          assert.deepStrictEqual(
            train.map(({ id }) => id),
            train.map(({ id }) => id).toSorted()
          )
        }
        const held = all.flatMap(({ validation }) => validation)
        assert.strictEqual(held.length, samples.length - parts.test.length)
        assert.strictEqual(new Set(held).size, held.length)
      })
  )

  it("are others from another seed, and the same from the same", () => {
    const ids = (seed: number) => foldsOf(samplesOf([100, 40]), 5, seed)[0]?.map(({ id }) => id)
    assert.deepStrictEqual(ids(1), ids(1))
    assert.notDeepEqual(ids(1), ids(2))
    const parts = { train: samplesOf([100, 40]), validation: [], test: [] }
    const held = (fold: { readonly seed?: number }, seed: number) =>
      withFold({ parts, notes: [] }, { number: 1, of: 5, ...fold }, seed, new Map<string, string>()).parts.validation
    assert.deepStrictEqual(held({ seed: 7 }, 1), held({}, 7))
    assert.notDeepEqual(held({ seed: 7 }, 1), held({}, 1))
  })
})
